"""The items of a batch that still have frames, packed side by side while a search runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from eclectus.core.protocols import TransducerStep
from eclectus.core.types import FloatArray, IntArray, PredictorState
from eclectus.search.paths import Path
from eclectus.search.transducer_state import TransducerState


@dataclass(slots=True, eq=False)
class Lane:
    """Where one active item of a chunk stands.

    Attributes:
        item: Its row in the batch.
        row: Its row among the projected frames.
        place: Its row in the packed arrays of the predictor.
        at: The frame of the chunk where it stands.
        stop: Its number of frames in the chunk.
        token: Its last token.
        pending: Whether the predictor has yet to take that token.
        path: What was found in this chunk.
        stride: Its last jump over a blank since its last token, 1 if there was none.
        emitted: Tokens emitted at the frame where it stands.
    """

    item: int
    row: int
    place: int
    at: int
    stop: int
    token: int
    pending: bool
    path: Path
    stride: int = 1
    emitted: int = 0

    @property
    def active(self) -> bool:
        """Whether it stands at a frame of this chunk."""
        return self.at < self.stop

    def room(self) -> int:
        """Return how many frames are left to it at its stride, the present one included."""
        return (self.stop - self.at - 1) // self.stride + 1

    def pass_blank(self, jump: int) -> None:
        """Advance over a blank, by at least one frame."""
        self.at += jump
        self.stride = jump
        self.emitted = 0

    def emit(self, token: int, jump: int, max_symbols: int) -> None:
        """Take a token and advance by its jump.

        A lane that stays is pushed one frame on after `max_symbols` tokens at one frame.
        """
        self.token = token
        self.pending = True
        self.stride = 1
        self.emitted += 1
        if jump == 0 and self.emitted >= max_symbols:
            jump = 1
        if jump:
            self.at += jump
            self.emitted = 0


class Lanes:
    """The active items of one chunk; an item leaves as soon as its frames are used up.

    Attributes:
        members: The lanes, in the order of the batch and of the packed arrays.
    """

    def __init__(self, state: TransducerState, lengths: IntArray, paths: list[Path]) -> None:
        """Take up the items that have frames to search.

        Args:
            state: Where the streams stand before the chunk.
            lengths: (B,) frames of each in the chunk.
            paths: Where to put what is found, one an item.
        """
        active = np.flatnonzero(state.overshoot < lengths)
        begin = state.take(active)
        columns = (active, begin.overshoot, lengths[active], begin.tokens, begin.pending)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        self.members = [
            Lane(item, place, place, at, stop, token, pending, paths[item])
            for place, (item, at, stop, token, pending) in enumerate(rows)
        ]
        self._predicted = begin.predicted
        self._predictor = begin.predictor
        self._after = _after_chunk(state, lengths)

    def predicted(self, lanes: list[Lane]) -> FloatArray:
        """Return the predictor's output (n, J) of the given members, in order."""
        if len(lanes) == len(self.members):
            return self._predicted
        return self._predicted[[lane.place for lane in lanes]]

    def run_predictor(self, step: TransducerStep) -> None:
        """Let the predictor take the new tokens, of those lanes only that have one."""
        lanes = [lane for lane in self.members if lane.pending]
        if not lanes:
            return
        tokens = np.array([lane.token for lane in lanes], np.int64)
        if len(lanes) == len(self.members):
            self._predicted, self._predictor = step.predict(tokens, self._predictor)
        else:
            rows = np.array([lane.place for lane in lanes], np.int64)
            predicted, predictor = step.predict(tokens, self._predictor.take(rows))
            self._predicted = self._predicted.copy()
            self._predicted[rows] = predicted
            self._predictor = self._predictor.put(rows, predictor)
        for lane in lanes:
            lane.pending = False

    def retire(self) -> None:
        """Drop the lanes that have used up their frames, noting where they stand."""
        keep = [lane for lane in self.members if lane.active]
        if len(keep) == len(self.members):
            return
        self._note([lane for lane in self.members if not lane.active])
        places = np.array([lane.place for lane in keep], np.int64)
        self._predicted = self._predicted[places]
        self._predictor = self._predictor.take(places)
        for place, lane in enumerate(keep):
            lane.place = place
        self.members = keep

    def state(self) -> TransducerState:
        """Return where the streams stand after the chunk, once every lane has retired."""
        return self._after

    def _note(self, gone: list[Lane]) -> None:
        """Write the lanes that leave into the state after the chunk."""
        after = self._after
        items = [lane.item for lane in gone]
        places = [lane.place for lane in gone]
        after.predicted[items] = self._predicted[places]
        for mine, theirs in zip(after.predictor.arrays, self._predictor.arrays, strict=True):
            mine[:, items] = theirs[:, places]
        after.tokens[items] = [lane.token for lane in gone]
        after.pending[items] = [lane.pending for lane in gone]
        after.overshoot[items] = [lane.at - lane.stop for lane in gone]


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
