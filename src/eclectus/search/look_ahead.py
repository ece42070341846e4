"""Asking the joint for several frames at once.

While only blanks come, the predictor's output does not change, so one call of the joint can serve
several frames. Up to a few cells a call costs little more than one cell does, because reading the
output matrix dominates (640 x 8198 in fp32 on one core: 1 cell 1.8 ms, 4 cells 2.0, 8 cells 2.5,
16 cells 2.8; in int8 0.35, 0.56, 0.97, 1.8); beyond that every cell costs its own arithmetic.

Which frames will be needed is a guess: an item's next blanks will jump as far as its last one. A
wrong guess wastes cells, but never changes what is found.
"""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.search.lanes import Lane

CELLS = 8
"""Cells (items times frames) that one call may hold because of look-ahead."""
MAX_WIDTH = 8
"""Most frames of one item in a call."""


def block_width(seekers: int, calls: int, room: int, first: int) -> int:
    """Choose how many frames of each item the next call holds.

    Args:
        seekers: Items that look for their next token.
        calls: Calls of the joint since the predictor ran last; each doubles the width.
        room: Frames that are left to every seeker at its stride, at least 1.
        first: Width of the first call, where the number of seekers allows.

    Returns:
        At least 1, at most `room`: a frame past an item's end is never evaluated.
    """
    return max(1, min(room, MAX_WIDTH, first << calls, CELLS // seekers))


class FrameGrid:
    """Projected encoder frames, from which blocks are cut at different frames of each item."""

    def __init__(self, projected: FloatArray) -> None:
        """Wrap frames (B, S, J)."""
        self._flat = projected.reshape(-1, projected.shape[-1])  # (B * S, J)
        self._length = projected.shape[1]

    def block(self, lanes: list[Lane], width: int) -> FloatArray:
        """Return frames (n, width, J): of each lane, from where it stands, its stride apart."""
        cells = np.array([lane.row * self._length + lane.at for lane in lanes])[:, None]
        if width > 1:
            strides = np.array([lane.stride for lane in lanes])
            cells = cells + np.multiply.outer(strides, np.arange(width))
        block: FloatArray = self._flat.take(cells, axis=0)
        return block
