"""NeMo itself, in PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.compare.protocol import Clip, Found, chunks, pad
from benchmarks.nemo_reference import default_head, find_tokens, restore


class Nemo:
    """A `.nemo` archive, without `transcribe` (which changes the model's mode)."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        if precision != "fp32":
            raise SystemExit("NeMo on a CPU computes in fp32")
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self._model = restore(model if model.is_file() else model / "model.nemo", 10)
        self._head = default_head(self._model)

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        found: list[Found] = []
        for part in chunks(clips, batch):
            found += self.search(self.encode(self.features(part)))
        return found

    def features(self, clips: Sequence[Clip]) -> Any:
        samples, lengths = (torch.from_numpy(array) for array in pad(clips))
        return self._model.preprocessor(input_signal=samples, length=lengths)

    def encode(self, features: Any) -> Any:
        return self._model.encoder(audio_signal=features[0], length=features[1])

    def search(self, encoded: Any) -> list[Found]:
        """Choose tokens; durations are only right in batches of one (see nemo_reference.py)."""
        return [Found(**result) for result in find_tokens(self._model, *encoded, self._head)]

    def export(self, encoded: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return encoded[0].numpy().transpose(0, 2, 1), encoded[1].numpy()

    def adopt(self, frames: NDArray[np.float32], lengths: NDArray[np.int64]) -> Any:
        return torch.from_numpy(frames).transpose(1, 2), torch.from_numpy(lengths)
