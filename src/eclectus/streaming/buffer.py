"""The last samples of a stream, addressed by their place in the stream."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray

_ROOM = 1 << 14
_WASTE = 8
"""A buffer that was so many times as long as it need be does not stay so."""


class SampleBuffer:
    """Keeps the samples from `start` to `stop`; forgets older ones when told.

    What is kept is moved only when the room behind it is used up, and then so that there is as much
    again: blocks of a tenth of a second come without end, and the windows are long.
    """

    def __init__(self) -> None:
        self._data: FloatArray = np.empty(_ROOM, np.float32)
        self._first = 0
        self.start = 0
        self.stop = 0

    def add(self, samples: FloatArray) -> None:
        """Append samples (n,)."""
        end = self._first + self.stop - self.start
        if end + len(samples) > len(self._data):
            end = self._make_room(len(samples))
        self._data[end : end + len(samples)] = samples
        self.stop += len(samples)

    def read(self, start: int, stop: int) -> FloatArray:
        """Return a copy of the samples [start, stop), which must be there."""
        assert self.start <= start <= stop <= self.stop
        origin = self.start - self._first
        return self._data[start - origin : stop - origin].copy()

    def forget(self, before: int) -> None:
        """Drop samples before a place."""
        before = min(before, self.stop)
        if before > self.start:
            self._first += before - self.start
            self.start = before
            if len(self._data) > _WASTE * self._wanted(0):
                self._make_room(0)

    def _wanted(self, count: int) -> int:
        return max(_ROOM, 2 * (self.stop - self.start + count))

    def _make_room(self, count: int) -> int:
        """Move what is kept to the front, and return where it ends."""
        held = self.stop - self.start
        kept = self._data[self._first : self._first + held]
        wanted = self._wanted(count)
        if len(self._data) < wanted or len(self._data) > _WASTE * wanted:
            self._data = np.empty(wanted, np.float32)
            self._data[:held] = kept
        else:
            self._data[:held] = kept.copy()
        self._first = 0
        return held
