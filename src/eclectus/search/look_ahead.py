"""How many frames the joint is asked for at once.

While only blanks come, the predictor's output does not change, so one call of the joint can serve
several frames. A call costs little more for a few cells than for one, because reading the output
matrix dominates; beyond that every cell costs its own arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclectus.core.types import FloatArray

CELLS = 8
"""Cells (items times frames) that one call of the joint may hold because of look-ahead."""
MAX_WIDTH = 8
"""Longest block of frames; a TDT jump leaves cells unused, so longer ones do not pay."""


def block_width(seekers: int, calls: int, room: int) -> int:
    """Choose the width of the next block.

    Args:
        seekers: Items that look for their next token.
        calls: Calls of the joint since the predictor ran last; each doubles the width.
        room: Frames that are left to every seeker, at least 1.

    Returns:
        At least 1, at most `room`: a frame past an item's end is never evaluated.
    """
    return max(1, min(room, MAX_WIDTH, 1 << calls, CELLS // seekers))


@dataclass(frozen=True, slots=True)
class Walk:
    """One item's way through a block.

    Attributes:
        visited: Positions in the block, in order.
        end: Where it stands: at a token, or at or past the end of the block.
        token: The token there, None if there were blanks only.
        jump: The frames that the token advances.
    """

    visited: list[int]
    end: int
    token: int | None
    jump: int


def walk(labels: list[int], jumps: list[int], blank: int) -> Walk:
    """Follow the blanks of a block up to its first token.

    Args:
        labels: The best label of each frame of the block.
        jumps: The frames that each label advances; a blank advances one at least.
        blank: The blank id.
    """
    visited = []
    position = 0
    while position < len(labels):
        visited.append(position)
        if labels[position] != blank:
            return Walk(visited, position, labels[position], jumps[position])
        position += jumps[position] or 1
    return Walk(visited, position, None, 0)


class FrameGrid:
    """Projected encoder frames, from which blocks are cut at a different frame for each item."""

    def __init__(self, projected: FloatArray) -> None:
        """Wrap frames (B, S, J)."""
        self._flat = projected.reshape(-1, projected.shape[-1])  # (B * S, J)
        self._stride = projected.shape[1]

    def block(self, rows: list[int], starts: list[int], width: int) -> FloatArray:
        """Return frames (n, width, J): of each row, `width` frames from its start on."""
        first = [row * self._stride + start for row, start in zip(rows, starts, strict=True)]
        block: FloatArray = self._flat.take(np.add.outer(first, np.arange(width)), axis=0)
        return block
