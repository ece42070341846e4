"""What the parts know of each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from eclectus.core.model_config import ModelConfig
from eclectus.core.types import (
    EncoderOutput,
    Features,
    FloatArray,
    Hypothesis,
    IntArray,
    LanguageGuess,
    PredictorState,
)

State = TypeVar("State")


class AudioStream(Protocol):
    """A source of audio, decoded lazily to mono float32 at the wanted rate.

    Iterating yields blocks (n,) of samples in order; blocks are of any size, never empty.
    Errors of the source surface while iterating.
    """

    @property
    def sample_rate(self) -> int:
        """Rate of the samples that it yields, in Hz."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Length that the container promises, in seconds; None if it does not say."""
        ...

    def __iter__(self) -> Iterator[FloatArray]: ...

    def close(self) -> None:
        """Release the source; safe to call twice."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class TransducerStep(Protocol):
    """Prediction network and joint network of an RNN-T or TDT model, without any state inside."""

    def project(self, encoded: EncoderOutput) -> FloatArray:
        """Project encoder frames to the joint's width, once per utterance.

        Returns:
            (B, S, J).
        """
        ...

    def initial_state(self, batch: int) -> PredictorState:
        """Return the state before any token."""
        ...

    def predict(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        """Advance the prediction network by one token per item.

        Args:
            tokens: (B,) ids; the blank id stands for the start of the sequence.
            state: The state before the token.

        Returns:
            The output projected to the joint's width (B, J), and the state after the token.
        """
        ...

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        """Combine projected frames with the predictor's outputs.

        Args:
            frames: (B, F, J) from `project`; F frames that share one predictor output.
            predicted: (B, J) from `predict`.

        Returns:
            Raw logits (B, F, V + 1 + K): tokens, blank, then durations.
        """
        ...


@runtime_checkable
class AcousticModel(Protocol):
    """A network on a device; immutable and shared by all threads."""

    @property
    def config(self) -> ModelConfig:
        """What the model is."""
        ...

    def encode(self, features: Features) -> EncoderOutput:
        """Run the encoder over a batch.

        For a CTC model the output's frames are the log-probabilities (B, S, V + 1).

        Raises:
            OutOfMemoryError: The batch does not fit the device.
            InferenceError: The engine failed.
        """
        ...

    @property
    def transducer(self) -> TransducerStep | None:
        """Predictor and joint, None for a CTC model."""
        ...

    def close(self) -> None:
        """Release the device's memory."""
        ...


class Search(Protocol):
    """Finds a hypothesis for each item of a batch."""

    def __call__(self, encoded: EncoderOutput) -> list[Hypothesis]:
        """Search whole utterances.

        Returns:
            One hypothesis an item, in order; frames count from the item's start.
        """
        ...


class StreamSearch(Protocol[State]):
    """Searches streams chunk by chunk; what it has to remember is a value of its caller's."""

    def start(self, batch: int) -> State:
        """Return the state of `batch` streams before their first frame."""
        ...

    def advance(self, encoded: EncoderOutput, state: State) -> tuple[list[Hypothesis], State]:
        """Search the next chunk of each stream; any division into chunks finds the same.

        Args:
            encoded: (B, S, D), the frames after those of earlier chunks; lengths may differ and
                may be 0.
            state: From `start` or from the last `advance`; it is left as it is.

        Returns:
            The tokens that are certain now and were not told before, frames counted from the
            beginning of each stream; and the state after the chunk.
        """
        ...

    def end(self, state: State) -> list[Hypothesis]:
        """Return the tokens that become certain when the streams end here."""
        ...

    def join(self, states: list[State]) -> State:
        """Put the states of several batches into one, in order."""
        ...

    def row(self, state: State, row: int) -> State:
        """Return the state of one stream of a batch."""
        ...


class Tokenizer(Protocol):
    """The pieces of a vocabulary."""

    def __len__(self) -> int:
        """Number of pieces without blank."""
        ...

    def piece(self, token_id: int) -> str:
        """Surface text of one id: a leading space where a word starts, empty for special ids."""
        ...

    def text(self, token_ids: IntArray | list[int]) -> str:
        """Text of a sequence, byte pieces put together."""
        ...

    def special_id(self, piece: str) -> int | None:
        """Id of a special piece such as `<EOU>`; None if the vocabulary has none."""
        ...


class LanguageIdentifier(Protocol):
    """Tells the language of a text; threads may share one."""

    def __call__(self, text: str, *, hint: str | None) -> LanguageGuess | None:
        """Return the language, None where it can't be told for sure.

        Args:
            text: What was said.
            hint: ISO 639-1 code of the language that is expected.
        """
        ...


class SpeechDetector(Protocol):
    """Decides of each frame of a stream whether it is speech, from the past alone."""

    @property
    def hop(self) -> int:
        """Samples from one decision to the next."""
        ...

    @property
    def window(self) -> int:
        """Samples that a decision is about: decision i is of [hop i, hop i + window)."""
        ...

    def push(self, samples: FloatArray) -> list[bool]:
        """Add samples (n,), mono float32 at 16 kHz; any blocks give the same decisions.

        Returns:
            The decisions that became possible.

        Raises:
            BackendError: The engine failed.
        """
        ...


@runtime_checkable
class SharingDetector(SpeechDetector, Protocol):
    """A detector of speech whose network hears other streams in the same call."""

    @property
    def network(self) -> DetectorNetwork:
        """What computes; detectors that share it may be heard together."""
        ...


class DetectorNetwork(Protocol):
    """Computes the decisions of any number of streams."""

    # Each network knows its own kind of detector alone.
    def hear(self, detectors: Sequence[Any], blocks: Sequence[FloatArray]) -> list[list[bool]]:
        """Add samples to detectors that share this network; each decides what it would alone.

        Args:
            detectors: Each once.
            blocks: (n,) mono float32 at 16 kHz, of each.

        Returns:
            The decisions that became possible, of each.

        Raises:
            BackendError: The engine failed; none of these streams can go on.
        """
        ...
