"""What a transducer search carries from one chunk of a stream to the next."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray, IntArray, PredictorState

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class TransducerState:
    """The search state of a batch of streams; a value that a search never changes in place.

    Tokens emitted without an advance need no place here: a search leaves a chunk only by advancing.

    Attributes:
        predicted: (B, J) the predictor's projected output.
        predictor: The recurrent state that belongs to it.
        tokens: (B,) the last token emitted, the blank id before any.
        pending: (B,) True where the predictor has not taken the last token yet: it is run when
            the next frame comes, so that the last token of an utterance costs nothing.
        overshoot: (B,) frames by which the last jump passed the end of the chunk.
        consumed: (B,) frames of the stream in all chunks so far.
    """

    predicted: FloatArray
    predictor: PredictorState
    tokens: IntArray
    pending: BoolArray
    overshoot: IntArray
    consumed: IntArray

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: IntArray) -> TransducerState:
        """Return the given streams in the given order; a row may repeat."""
        return TransducerState(
            self.predicted[rows],
            self.predictor.take(rows),
            self.tokens[rows],
            self.pending[rows],
            self.overshoot[rows],
            self.consumed[rows],
        )

    def reset(self, mask: BoolArray, start: TransducerState) -> TransducerState:
        """Begin anew where the mask (B,) is True.

        Args:
            mask: Which streams.
            start: The state of one stream at its beginning, `TransducerSearch.start(1)`.
        """
        both = TransducerState.concat([self, start])
        rows = np.where(mask, len(self), np.arange(len(self)))
        return both.take(rows)

    @staticmethod
    def concat(states: list[TransducerState]) -> TransducerState:
        """Join batches of streams, in order.

        Raises:
            ValueError: There is no state to join.
        """
        columns = {
            field.name: [getattr(state, field.name) for state in states]
            for field in fields(TransducerState)
        }
        predictor = PredictorState.concat(columns.pop("predictor"))
        joined = {name: np.concatenate(column) for name, column in columns.items()}
        return TransducerState(predictor=predictor, **joined)
