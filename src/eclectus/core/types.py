"""The values that flow along the straight line from audio to transcript.

Shape legend, used in every comment and docstring of the package:
B batch, N samples, M mel bins, T mel frames (10 ms), S encoder frames (80 ms), D encoder width,
J joint width, U tokens, V vocabulary without blank, K durations, L predictor layers,
H predictor width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Audio:
    """Mono samples in [-1, 1] at a known rate.

    Attributes:
        samples: (N,) float32.
        sample_rate: In Hz.
        start: Seconds from the beginning of the source to the first sample.
    """

    samples: FloatArray
    sample_rate: int
    start: float = 0.0

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Window:
    """A span of a long file that is encoded in one piece; all four are sample indices.

    Attributes:
        start: First sample; always on a whole encoder frame, so that frames stay integers.
        stop: One past the last sample.
        keep_from: From here on this window's tokens count (before it, the previous window's do).
        keep_to: Up to here this window's tokens count.
    """

    start: int
    stop: int
    keep_from: int
    keep_to: int


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A batch of log-mel features, zero past each item's length.

    Attributes:
        data: (B, M, T) float32.
        lengths: (B,) valid mel frames of each item.
    """

    data: FloatArray
    lengths: IntArray

    @staticmethod
    def zeros(mel_bins: int, lengths: Sequence[int]) -> Features:
        """Return a batch to write into; T is the longest item's length, but at least 1."""
        shape = (len(lengths), mel_bins, max([1, *lengths]))
        return Features(np.zeros(shape, np.float32), np.array(lengths, np.int64))

    def rows(self) -> list[FloatArray]:
        """Return views (M, length) of the items' own columns."""
        return [row[:, :length] for row, length in zip(self.data, self.lengths, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class EncoderOutput:
    """A batch of encoder outputs.

    Attributes:
        frames: (B, S, D) float32; may be any strided view.
        lengths: (B,) valid frames of each item.
    """

    frames: FloatArray
    lengths: IntArray

    def take(self, rows: IntArray) -> EncoderOutput:
        """Return the given items in the given order."""
        return EncoderOutput(self.frames[rows], self.lengths[rows])


@dataclass(frozen=True, slots=True, eq=False)
class PredictorState:
    """The recurrent state of the prediction network, a value that the caller keeps and passes on.

    Attributes:
        arrays: Each (L, B, H) float32, in the order in which the network takes them.
    """

    arrays: tuple[FloatArray, ...]

    def take(self, rows: IntArray) -> PredictorState:
        """Return the state of the given items."""
        return PredictorState(tuple(array[:, rows] for array in self.arrays))

    def put(self, rows: IntArray, other: PredictorState) -> PredictorState:
        """Return a copy in which the given items have the other's state, item by item."""
        arrays = tuple(array.copy() for array in self.arrays)
        for mine, theirs in zip(arrays, other.arrays, strict=True):
            mine[:, rows] = theirs
        return PredictorState(arrays)

    @staticmethod
    def concat(states: list[PredictorState]) -> PredictorState:
        """Join the states of several batches along the batch axis."""
        columns = zip(*(state.arrays for state in states), strict=True)
        return PredictorState(tuple(np.concatenate(column, axis=1) for column in columns))


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """What a search found: integers and log-probabilities, nothing about time or text.

    Attributes:
        token_ids: (U,) ids in [0, V).
        frames: (U,) the encoder frame at which each token was emitted, never decreasing.
        durations: (U,) frames that each token spans (TDT: as predicted; RNN-T and CTC: 1 or the
            length of the run).
        log_probs: (U,) natural log of each token's probability among the V tokens and blank. The
            duration that a TDT model predicts beside it is chosen on its own and is no part of it.
            CTC: of the frame of the token's run that is most certain.
        entropies: (U,) entropy in nats of the distribution that each token was chosen from.
        score: Sum of the log-probabilities along the path, blanks included.
    """

    token_ids: IntArray
    frames: IntArray
    durations: IntArray
    log_probs: FloatArray
    entropies: FloatArray
    score: float = 0.0

    def __len__(self) -> int:
        return len(self.token_ids)

    def slice(self, start: int, stop: int) -> Hypothesis:
        """Return the tokens of positions [start, stop); the score becomes their sum."""
        part = slice(start, stop)
        log_probs = self.log_probs[part]
        return Hypothesis(
            self.token_ids[part],
            self.frames[part],
            self.durations[part],
            log_probs,
            self.entropies[part],
            float(log_probs.sum()),
        )

    def ends_with(self, token_id: int) -> bool:
        """Return whether the last token is this one."""
        return bool(len(self) and self.token_ids[-1] == token_id)

    def shift(self, frames: int) -> Hypothesis:
        """Return the same tokens with all frames moved by a number of frames."""
        return Hypothesis(
            self.token_ids,
            self.frames + frames,
            self.durations,
            self.log_probs,
            self.entropies,
            self.score,
        )

    def lift(self, frame: int) -> Hypothesis:
        """Return the same tokens with every frame at least the given one."""
        return replace(self, frames=np.maximum(self.frames, frame))

    @staticmethod
    def concat(parts: list[Hypothesis]) -> Hypothesis:
        """Join hypotheses one after the other."""
        if not parts:
            return Hypothesis.empty()
        return Hypothesis(
            np.concatenate([part.token_ids for part in parts]),
            np.concatenate([part.frames for part in parts]),
            np.concatenate([part.durations for part in parts]),
            np.concatenate([part.log_probs for part in parts]),
            np.concatenate([part.entropies for part in parts]),
            float(sum(part.score for part in parts)),
        )

    @staticmethod
    def empty() -> Hypothesis:
        """Return the hypothesis of silence."""
        ids = np.zeros(0, np.int64)
        zeros = np.zeros(0, np.float32)
        return Hypothesis(ids, ids, ids, zeros, zeros)


@dataclass(frozen=True, slots=True)
class Token:
    """One vocabulary piece with its time.

    Attributes:
        id: Vocabulary id.
        text: Surface text; a leading space where a word starts. Empty for special pieces such as
            `<unk>`, and for all but the first byte of a character that is spelt in several.
        start: Seconds, absolute on the source.
        end: Seconds, half-open.
        confidence: In [0, 1]; its meaning is `ConfidenceOptions.method`.
        log_prob: Natural log of the token's probability among all tokens and blank, as in
            `Hypothesis.log_probs`: at most 0, without the TDT duration, and the same for every
            `ConfidenceOptions.method`.
    """

    id: int
    text: str
    start: float
    end: float
    confidence: float
    log_prob: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word with the punctuation that is written on to it.

    Attributes:
        text: Without surrounding spaces.
        start: Seconds, absolute on the source.
        end: Seconds, half-open; never before the start nor past the audio's end.
        confidence: In [0, 1], aggregated over the tokens.
        speaker: Name or number of the speaker, if known.
        tokens: The tokens that make it up, as they are read: without special ones, and with each
            sign moved to the end of the sound before it. What the model emitted, at the times at
            which it did, is `Transcript.tokens`.
    """

    text: str
    start: float
    end: float
    confidence: float
    speaker: str | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class LanguageGuess:
    """The language that a text is probably in.

    Attributes:
        code: ISO 639-1.
        confidence: In [0, 1]: the language's share of the probability among those allowed; 1
            where the script leaves only one. Cautious for short text: more of the answers are
            right than it says.
    """

    code: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Segment:
    """Words that belong together: a sentence or a part of one.

    Attributes:
        words: At least one.
        start: Start of the first word, in seconds.
        end: End of the last word, in seconds.
        speaker: As on `Word`.
        channel: Index of the audio channel, if the channels were transcribed apart.
        language: ISO 639-1 code, or None when unknown.
        language_confidence: In [0, 1]; None when the language is unknown, and where the model
            knows one language only, so that nothing was identified from the text.
    """

    words: tuple[Word, ...]
    start: float
    end: float
    speaker: str | None = None
    channel: int | None = None
    language: str | None = None
    language_confidence: float | None = None

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)

    @property
    def confidence(self) -> float:
        """Mean confidence of the words."""
        return sum(word.confidence for word in self.words) / len(self.words)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The result for one source of audio.

    Attributes:
        segments: In order of time.
        duration: Length of the audio in seconds.
        language: ISO 639-1 code, or None when unknown.
        model: Name of the model that produced it.
        tokens: Every token that the model emitted, special ones such as `<unk>` included, in order
            and at the times of its emission; `Word.tokens` are a view of them. Empty where the
            transcript was put together from segments.
    """

    segments: tuple[Segment, ...]
    duration: float
    language: str | None = None
    model: str | None = None
    tokens: tuple[Token, ...] = ()

    @property
    def text(self) -> str:
        """All segments joined by single spaces."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def words(self) -> tuple[Word, ...]:
        """All words in order."""
        return tuple(word for segment in self.segments for word in segment.words)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transcription has come.

    Attributes:
        source: Position of the source in the list that was given (0 for a single one).
        done_s: Seconds of audio recognised so far.
        total_s: Seconds in all, or None while the length is unknown.
    """

    source: int
    done_s: float
    total_s: float | None
