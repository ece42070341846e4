"""sherpa-onnx: C++ over ONNX Runtime, with features of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sherpa_onnx

from benchmarks.compare.protocol import Clip, Found, chunks, layout


class SherpaOnnx:
    """The encoder, decoder and joiner triple, or the single CTC file."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        folder = layout(model, "sherpa")
        suffix = ".onnx" if precision == "fp32" else f".{precision}.onnx"
        tokens = folder / "tokens.txt"
        lines = tokens.read_text(encoding="utf-8").splitlines()
        self._ids = {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in lines}
        if (folder / f"model{suffix}").exists():
            self._recognizer = sherpa_onnx.OfflineRecognizer.from_nemo_ctc(
                model=str(folder / f"model{suffix}"), tokens=str(tokens), num_threads=threads
            )
            return
        card = json.loads((layout(model, "onnx") / "config.json").read_text())
        self._recognizer = sherpa_onnx.OfflineRecognizer.from_transducer(
            encoder=str(folder / f"encoder{suffix}"),
            decoder=str(folder / f"decoder{suffix}"),
            joiner=str(folder / f"joiner{suffix}"),
            tokens=str(tokens),
            num_threads=threads,
            model_type="nemo_transducer",
            decoding_method="greedy_search",
            feature_dim=card["features_size"],
        )

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        found: list[Found] = []
        for part in chunks(clips, batch):
            streams = []
            for clip in part:
                stream = self._recognizer.create_stream()
                stream.accept_waveform(16_000, clip)
                streams.append(stream)
            self._recognizer.decode_streams(streams)
            found += [self._read(stream.result) for stream in streams]
        return found

    def _read(self, result: sherpa_onnx.OfflineRecognitionResult) -> Found:
        """Map surfaces back to ids; the recogniser gives spaces for the word mark."""
        ids = [self._ids.get(t, self._ids.get(t.replace(" ", "▁"), -1)) for t in result.tokens]
        frames = [round(float(t) / 0.08) for t in np.asarray(result.timestamps)]
        return Found(result.text, ids, frames)
