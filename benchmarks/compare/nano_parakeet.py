"""nano-parakeet: plain PyTorch, for the 0.6B only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from nano_parakeet import ParakeetTDT
from nano_parakeet._loader import remap_state_dict
from nano_parakeet.model import tdt_greedy_decode
from safetensors.torch import load_file

from benchmarks.compare.protocol import Clip, Found, layout
from benchmarks.synthetic.shapes import STANDARD_DURATIONS

_VOCABULARY = 8192


class NanoParakeet:
    """NeMo's tensors as safetensors; features are its own, nearly NeMo's."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        if precision != "fp32":
            raise SystemExit("nano-parakeet on a CPU computes in fp32")
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        self._model = ParakeetTDT()
        weights = load_file(layout(model, "tensors/nemo") / "model.safetensors")
        self._model.load_state_dict(remap_state_dict(weights))
        self._model.eval()

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        del batch  # it has none
        found = []
        for clip in clips:
            mel = self._model.preprocessor(torch.from_numpy(clip))
            encoded, lengths = self._model.encoder(mel, torch.tensor([mel.shape[-1]]))
            ids = tdt_greedy_decode(
                encoded[0],
                int(lengths[0]),
                self._model.decoder,
                self._model.joint,
                _VOCABULARY,
                list(STANDARD_DURATIONS),
            )
            found.append(Found("", [int(i) for i in ids]))
        return found
