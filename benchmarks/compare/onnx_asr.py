"""onnx-asr: ONNX Runtime, frame-by-frame search."""

from __future__ import annotations

import json
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx_asr
import onnxruntime
from numpy.typing import NDArray

from benchmarks.compare.protocol import Clip, Found, chunks, layout, pad


class OnnxAsr:
    """The istupakov layout through `onnx_asr.load_model`."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        folder = layout(model, "onnx")
        kind = json.loads((folder / "config.json").read_text())["model_type"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self._model = onnx_asr.load_model(
            kind,
            folder,
            quantization=None if precision == "fp32" else precision,
            sess_options=options,
            providers=["CPUExecutionProvider"],
        )
        # The stages are not public there; reached by name so that the reader sees which.
        engine = self._model.asr
        self._preprocess = operator.attrgetter("_preprocessor")(engine)
        self._encode = operator.attrgetter("_encode")(engine)
        self._decode = operator.attrgetter("_decoding")(engine)

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        if batch == 1:
            return [Found(str(self._model.recognize(clip))) for clip in clips]
        found: list[Found] = []
        for part in chunks(clips, batch):
            found += [Found(str(text)) for text in self._model.recognize(list(part))]
        return found

    def features(self, clips: Sequence[Clip]) -> Any:
        return self._preprocess(*pad(clips))

    def encode(self, features: Any) -> Any:
        return self._encode(*features)

    def search(self, encoded: Any) -> list[Found]:
        return [
            Found("", [int(i) for i in ids], [int(s) for s in frames])
            for ids, frames, _ in self._decode(*encoded)
        ]

    def export(self, encoded: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return encoded

    def adopt(self, frames: NDArray[np.float32], lengths: NDArray[np.int64]) -> Any:
        return frames, lengths
