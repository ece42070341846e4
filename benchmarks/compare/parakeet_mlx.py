"""parakeet-mlx, on MLX's CPU device where there is no Apple GPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np
from parakeet_mlx import from_pretrained
from parakeet_mlx.audio import get_logmel

from benchmarks.compare.live import Timed, words_of
from benchmarks.compare.protocol import Clip, Found, layout

FRAME_S = 0.08


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

    def live(self, left_s: float, chunk_s: float, right_s: float) -> MlxLive:
        """Open a stream; its right context is both its chunk and what stays a draft."""
        context = (round(left_s / FRAME_S), round(right_s / FRAME_S))
        # Its local attention is a Metal kernel; with full attention it runs everywhere.
        stream = self._model.transcribe_stream(context_size=context, keep_original_attention=True)
        return MlxLive(stream, chunk_s)


class MlxLive:
    """parakeet-mlx's stream, given audio a chunk at a time."""

    def __init__(self, stream: Any, chunk_s: float) -> None:
        self._stream = stream.__enter__()
        self._chunk = round(chunk_s * 16_000)
        self._waiting = np.zeros(0, np.float32)

    def push(self, samples: Clip) -> tuple[list[Timed], list[Timed]]:
        self._waiting = np.concatenate([self._waiting, samples])
        if len(self._waiting) >= self._chunk:
            self._hear()
        return self._told(self._stream.finalized_tokens), self._told(self._stream.draft_tokens)

    def finish(self) -> tuple[list[Timed], list[Timed]]:
        """It has no end of its own: its drafts are what there is."""
        if len(self._waiting):
            self._hear()
        tokens = [*self._stream.finalized_tokens, *self._stream.draft_tokens]
        self._stream.__exit__(None, None, None)
        return self._told(tokens), []

    def _hear(self) -> None:
        self._stream.add_audio(mx.array(self._waiting))
        self._waiting = self._waiting[:0]

    def _told(self, tokens: Sequence[Any]) -> list[Timed]:
        return words_of((token.text, token.end) for token in tokens)
