"""The items of a batch that still have frames, packed side by side while a search runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eclectus.core.protocols import TransducerStep
from eclectus.core.types import FloatArray, IntArray, PredictorState
from eclectus.search.transducer_state import TransducerState


class Lanes:
    """Where each active item of a chunk stands; an item leaves as soon as its frames are used up.

    Attributes:
        rows: Each lane's row among the projected frames.
        items: Its row in the batch.
        at: The frame of the chunk where it stands.
        stop: Its number of frames in the chunk.
        stride: Its last jump over a blank since its last token, 1 if there was none.
    """

    def __init__(self, state: TransducerState, lengths: IntArray) -> None:
        """Take up the items that have frames to search.

        Args:
            state: Where the streams stand before the chunk.
            lengths: (B,) frames of each in the chunk.
        """
        active = np.flatnonzero(state.overshoot < lengths)
        begin = state.take(active)
        self.rows = list(range(len(active)))
        self.items: list[int] = active.tolist()
        self.at: list[int] = begin.overshoot.tolist()
        self.stop: list[int] = lengths[active].tolist()
        self.stride = [1] * len(active)
        self._emitted: list[int] = [0] * len(active)
        self._tokens: list[int] = begin.tokens.tolist()
        self._pending: list[bool] = begin.pending.tolist()
        self._predicted = begin.predicted
        self._predictor = begin.predictor
        self._after = _after_chunk(state, lengths)

    def __len__(self) -> int:
        return len(self.items)

    def predicted(self, lanes: list[int]) -> FloatArray:
        """Return the predictor's output (n, J) of the given lanes, in ascending order."""
        return self._predicted if len(lanes) == len(self) else self._predicted[lanes]

    def cells(self, lanes: list[int]) -> tuple[list[int], list[int], list[int]]:
        """Return row, frame and stride of the given lanes."""
        rows = [self.rows[lane] for lane in lanes]
        return rows, [self.at[lane] for lane in lanes], [self.stride[lane] for lane in lanes]

    def has_frames(self, lane: int) -> bool:
        """Say whether the lane stands at a frame of this chunk."""
        return self.at[lane] < self.stop[lane]

    def room(self, lane: int) -> int:
        """Return how many frames are left to a lane at its stride, the present one included."""
        return (self.stop[lane] - self.at[lane] - 1) // self.stride[lane] + 1

    def pass_blank(self, lane: int, jump: int) -> None:
        """Advance a lane over a blank, by at least one frame."""
        self.at[lane] += jump
        self.stride[lane] = jump
        self._emitted[lane] = 0

    def emit(self, lane: int, token: int, jump: int, max_symbols: int) -> None:
        """Give a lane its token and advance it by the jump.

        A lane that stays is pushed one frame on after `max_symbols` tokens at one frame.
        """
        self._tokens[lane] = token
        self._pending[lane] = True
        self.stride[lane] = 1
        emitted = self._emitted[lane] + 1
        if jump == 0 and emitted >= max_symbols:
            jump = 1
        self.at[lane] += jump
        self._emitted[lane] = 0 if jump else emitted

    def run_predictor(self, step: TransducerStep) -> None:
        """Let the predictor take the new tokens, of those lanes only that have one."""
        lanes = [lane for lane, pending in enumerate(self._pending) if pending]
        if not lanes:
            return
        tokens = np.array([self._tokens[lane] for lane in lanes], np.int64)
        if len(lanes) == len(self):
            self._predicted, self._predictor = step.predict(tokens, self._predictor)
        else:
            rows = np.array(lanes, np.int64)
            predicted, predictor = step.predict(tokens, self._predictor.take(rows))
            self._predicted = self._predicted.copy()
            self._predicted[rows] = predicted
            self._predictor = self._predictor.put(rows, predictor)
        self._pending = [False] * len(self)

    def retire(self) -> None:
        """Drop the lanes that have used up their frames, noting where they stand."""
        keep = [lane for lane in range(len(self)) if self.has_frames(lane)]
        if len(keep) == len(self):
            return
        gone = [lane for lane in range(len(self)) if not self.has_frames(lane)]
        self._write_back(np.array(gone, np.int64))
        self._keep(keep)

    def state(self) -> TransducerState:
        """Return where the streams stand after the chunk, once every lane has retired."""
        return self._after

    def _write_back(self, gone: IntArray) -> None:
        after, lanes = self._after, gone.tolist()
        items = [self.items[lane] for lane in lanes]
        after.predicted[items] = self._predicted[gone]
        for mine, theirs in zip(after.predictor.arrays, self._predictor.arrays, strict=True):
            mine[:, items] = theirs[:, gone]
        after.tokens[items] = [self._tokens[lane] for lane in lanes]
        after.pending[items] = [self._pending[lane] for lane in lanes]
        after.overshoot[items] = [self.at[lane] - self.stop[lane] for lane in lanes]

    def _keep(self, lanes: list[int]) -> None:
        rows = np.array(lanes, np.int64)
        self._predicted = self._predicted[rows]
        self._predictor = self._predictor.take(rows)
        self.rows = [self.rows[lane] for lane in lanes]
        self.items = [self.items[lane] for lane in lanes]
        self.at = [self.at[lane] for lane in lanes]
        self.stop = [self.stop[lane] for lane in lanes]
        self.stride = [self.stride[lane] for lane in lanes]
        self._emitted = [self._emitted[lane] for lane in lanes]
        self._tokens = [self._tokens[lane] for lane in lanes]
        self._pending = [self._pending[lane] for lane in lanes]


def _after_chunk(state: TransducerState, lengths: IntArray) -> TransducerState:
    """Copy a state, moved past a chunk of which nothing needs searching."""
    return replace(
        state,
        predicted=state.predicted.copy(),
        predictor=PredictorState(tuple(array.copy() for array in state.predictor.arrays)),
        tokens=state.tokens.copy(),
        pending=state.pending.copy(),
        overshoot=np.maximum(state.overshoot - lengths, 0),
        consumed=state.consumed + lengths,
    )
