"""eclectus itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.compare.live import Timed
from benchmarks.compare.protocol import Clip, Found, layout
from eclectus.api import load
from eclectus.core.options import (
    BatchOptions,
    EndpointOptions,
    GreedySearch,
    LiveOptions,
    StreamOptions,
    TranscribeOptions,
)
from eclectus.core.types import Audio, EncoderOutput, Transcript
from eclectus.search.choose import make_search
from eclectus.signal.logmel import LogMel
from eclectus.streaming.engine import StreamEngine
from eclectus.streaming.events import Event, Final, Partial
from eclectus.streaming.session import Session


class EclectusLive:
    """A session without endpoints, as the peers have none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._finals: list[Timed] = []
        self._drafts: list[Timed] = []

    def push(self, samples: Clip) -> tuple[list[Timed], list[Timed]]:
        return self._note(self._session.push(samples))

    def finish(self) -> tuple[list[Timed], list[Timed]]:
        return self._note(self._session.finish())

    def _note(self, events: Sequence[Event]) -> tuple[list[Timed], list[Timed]]:
        for event in events:
            if isinstance(event, Partial):
                self._drafts = [(word.text, word.end) for word in event.words]
            elif isinstance(event, Final):
                words = [(word.text, word.end) for word in event.words]
                self._finals += words
                self._drafts = self._drafts[len(words) :]
        return self._finals, self._drafts


class Eclectus:
    """The whole pipeline by `Recognizer`, the stages by their own modules."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        name = layout(model, "onnx") if model.exists() else str(model)
        loaded = load(name, precision=precision, threads=threads)
        self._acoustic = loaded.acoustic
        self._features = LogMel(loaded.config.mel_bins)
        self._search = make_search(loaded.acoustic, GreedySearch())
        self._recognizer = loaded
        self._engine = StreamEngine(loaded.acoustic, GreedySearch())

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        audio = [Audio(clip, 16_000) for clip in clips]
        if batch == 1:
            return [self._read(self._recognizer.transcribe(one)) for one in audio]
        options = TranscribeOptions(batch=BatchOptions(size=batch))
        outcomes = self._recognizer.transcribe_many(audio, options=options)
        return [self._read(outcome.unwrap()) for outcome in outcomes]

    def live(self, left_s: float, chunk_s: float, right_s: float) -> EclectusLive:
        live = LiveOptions(left_s=left_s, chunk_s=chunk_s, right_s=right_s)
        options = StreamOptions(live=live, endpoint=EndpointOptions(enabled=False))
        return EclectusLive(Session(self._engine, self._recognizer.tokenizer, options))

    def features(self, clips: Sequence[Clip]) -> Any:
        return self._features(clips)

    def encode(self, features: Any) -> Any:
        return self._acoustic.encode(features)

    def search(self, encoded: Any) -> list[Found]:
        return [
            Found("", h.token_ids.tolist(), h.frames.tolist(), h.durations.tolist())
            for h in self._search(encoded)
        ]

    def export(self, encoded: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        return encoded.frames, encoded.lengths

    def adopt(self, frames: NDArray[np.float32], lengths: NDArray[np.int64]) -> Any:
        return EncoderOutput(frames, lengths)

    @staticmethod
    def _read(transcript: Transcript) -> Found:
        """Ids only: a transcript's times move punctuation to the end of its word."""
        return Found(transcript.text, [token.id for token in transcript.tokens])
