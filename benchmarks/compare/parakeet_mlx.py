"""parakeet-mlx, on MLX's CPU device where there is no Apple GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mlx.core as mx
from parakeet_mlx import from_pretrained
from parakeet_mlx.audio import get_logmel

from benchmarks.compare.protocol import Clip, Found, layout


class ParakeetMlx:
    """A folder with config.json and model.safetensors; features are its own, not NeMo's."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        del threads  # MLX takes what it finds
        if precision != "fp32":
            raise SystemExit("this adapter measures fp32")
        self._model = from_pretrained(str(layout(model, "tensors/mlx")), dtype=mx.float32)

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        del batch  # one by one: its own batch has no mask
        found = []
        for clip in clips:
            mel = get_logmel(mx.array(clip), self._model.preprocessor_config)
            result = self._model.generate(mel)[0]
            tokens = [token for sentence in result.sentences for token in sentence.tokens]
            frames = [round(token.start / 0.08) for token in tokens]
            durations = [round(token.duration / 0.08) for token in tokens]
            found.append(Found(result.text, [token.id for token in tokens], frames, durations))
        return found
