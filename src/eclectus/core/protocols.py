"""What the parts know of each other."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from eclectus.core.config import ModelConfig
from eclectus.core.types import (
    EncoderOutput,
    Features,
    FloatArray,
    Hypothesis,
    IntArray,
    PredictorState,
)


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
