"""Computes the steps of many streams in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eclectus.core.model_config import ModelConfig
from eclectus.core.options import GreedySearch
from eclectus.core.protocols import AcousticModel
from eclectus.core.types import EncoderOutput, Features, FloatArray, Hypothesis, IntArray
from eclectus.search.choose import make_stream_search
from eclectus.signal.logmel_windows import LogMelWindows
from eclectus.signal.melframes import HOP, MelFrames
from eclectus.streaming.windows import Ahead, Chunk, Draft, Last, StepKind


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """A step of one stream.

    Attributes:
        samples: (n,) the window.
        start: Where it begins in the utterance.
        windows: Computes its features; the utterance's own.
        drop: Frames of its left context.
        kind: What the frames after these are used for.
        state: The search's state before them, of one stream.
    """

    samples: FloatArray
    start: int
    windows: LogMelWindows
    drop: int
    kind: StepKind
    state: Any

    @property
    def is_end(self) -> bool:
        """Whether all frames to the end of the window are final."""
        return isinstance(self.kind, Last | Ahead)

    def spans(self, frames: int) -> tuple[int, int, int]:
        """Return where the final frames begin, where they end, and where drafts end.

        Args:
            frames: That the window has.
        """
        begin = min(self.drop, frames)
        match self.kind:
            case Draft():
                return begin, begin, frames
            case Chunk(frames=final, drafts=drafts):
                middle = min(self.drop + final, frames)
                return begin, middle, frames if drafts else middle
            case Last() | Ahead():
                return begin, frames, frames


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a step found, frames counted from the start of the utterance.

    Attributes:
        final: The tokens of the final frames.
        state: The search's state after these.
        draft: The tokens of the frames after these.
    """

    final: Hypothesis
    state: Any
    draft: Hypothesis


class StreamEngine:
    """A model that streams share; it holds no state of any stream.

    Features are normalised over each window, as in NeMo's buffered streaming.
    """

    def __init__(self, model: AcousticModel, search: GreedySearch) -> None:
        """Prepare a model for streams.

        Raises:
            IncompatibleModelError: The model lacks its predictor.
            OptionError: An option is impossible.
        """
        self._model = model
        self._search = make_stream_search(model, search)
        self._frames = MelFrames(model.config.mel_bins)

    @property
    def config(self) -> ModelConfig:
        """The model's card."""
        return self._model.config

    def start(self) -> Any:
        """Return the search's state before an utterance."""
        return self._search.start(1)

    def windows(self) -> LogMelWindows:
        """Return an object that computes the features of an utterance's windows."""
        return LogMelWindows(self._frames)

    def run(self, works: Sequence[Work]) -> list[Found]:
        """Compute a batch: one call of the encoder, one of the search, one more for drafts.

        Raises:
            BackendError: The engine failed.
        """
        mel_frames = [len(work.samples) // HOP for work in works]
        features = Features.zeros(self._frames.mel_bins, mel_frames)
        for work, columns in zip(works, features.rows(), strict=True):
            work.windows.columns(work.samples, work.start, columns)
        encoded = self._model.encode(features)
        lengths = encoded.lengths.tolist()
        spans = [work.spans(frames) for work, frames in zip(works, lengths, strict=True)]
        starts, middles, ends = np.array(spans, np.int64).T
        states = self._search.join([work.state for work in works])
        finals, after = self._search.advance(_cut(encoded, starts, middles), states)
        drafts, ahead = self._search.advance(_cut(encoded, middles, ends), after)
        ends_now = self._search.end(after)
        ends_ahead = self._search.end(ahead)
        return [
            Found(
                Hypothesis.concat([finals[row], ends_now[row]]) if last else finals[row],
                self._search.row(after, row),
                Hypothesis.concat([drafts[row], ends_ahead[row]]),
            )
            for row, last in enumerate(work.is_end for work in works)
        ]


def _cut(encoded: EncoderOutput, starts: IntArray, stops: IntArray) -> EncoderOutput:
    """Return the frames [start, stop) of each item, padded with zeros."""
    lengths = stops - starts
    shape = (len(lengths), int(lengths.max(initial=0)), encoded.frames.shape[2])
    frames = np.zeros(shape, np.float32)
    for row, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        frames[row, :length] = encoded.frames[row, start : start + length]
    return EncoderOutput(frames, lengths)
