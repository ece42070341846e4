"""Greedy TDT search over exported graphs."""

import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from recipe.export import DECODER, ENCODER
from recipe.features import LogMel
from recipe.search import MAX_SYMBOLS

SPACE = "▁"


class OnnxModel:
    """Exported graphs and their vocabulary."""

    def __init__(self, folder: Path, *, int8: bool = False, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        end = ".int8.onnx" if int8 else ".onnx"
        paths = [str(folder / name.replace(".onnx", end)) for name in (ENCODER, DECODER)]
        self.encoder, self.decoder = (onnxruntime.InferenceSession(path, options) for path in paths)
        facts = json.loads((folder / "config.json").read_text("utf-8"))
        self.durations = facts["durations"]
        self.logmel = LogMel(facts["features_size"])
        lines = (folder / "vocab.txt").read_text("utf-8").splitlines()
        self.pieces = [line.rsplit(" ", 1)[0] for line in lines]
        width = self.decoder.get_inputs()[3].shape[2]
        self.zeros = np.zeros((1, 1, width), dtype=np.float32)

    def recognize(self, wave: NDArray[np.float32]) -> str:
        """Returns the text of one utterance at 16 kHz."""
        audio = torch.from_numpy(wave)[None]
        features, frames = self.logmel(audio, torch.tensor([len(wave)]))
        inputs = {"audio_signal": features.numpy(), "length": frames.numpy()}
        encoded, counts = self.encoder.run(None, inputs)
        tokens = self.search(encoded, int(counts[0]))
        return "".join(self.pieces[token] for token in tokens).replace(SPACE, " ").strip()

    def search(self, encoded: NDArray[np.float32], frames: int) -> list[int]:
        """Returns the tokens of one item, (1, D, S); the last piece is the blank."""
        blank = len(self.pieces) - 1
        tokens: list[int] = []
        state = (self.zeros, self.zeros)
        frame = emitted = 0
        while frame < frames:
            last = tokens[-1] if tokens else blank
            logits, new = self._step(encoded[:, :, frame : frame + 1], last, state)
            best = int(logits[: blank + 1].argmax())
            duration = self.durations[int(logits[blank + 1 :].argmax())]
            if best != blank:
                tokens.append(best)
                state = new
                emitted += 1
            if duration == 0 and (best == blank or emitted >= MAX_SYMBOLS):
                duration = 1
            if duration:
                frame += duration
                emitted = 0
        return tokens

    def _step(
        self,
        encoded: NDArray[np.float32],
        token: int,
        state: tuple[NDArray[np.float32], NDArray[np.float32]],
    ) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], NDArray[np.float32]]]:
        inputs = {
            "encoder_outputs": encoded,
            "targets": np.array([[token]], dtype=np.int32),
            "target_length": np.ones(1, dtype=np.int32),
            "input_states_1": state[0],
            "input_states_2": state[1],
        }
        logits, _, hidden, cell = self.decoder.run(None, inputs)
        return logits[0, 0, 0], (hidden, cell)
