"""The last samples of a stream, addressed by their place in the stream."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray

_ROOM = 1 << 14
_WASTE = 8
"""An array that is so many times as long as needed is replaced by a shorter one."""


class SampleBuffer:
    """Keeps the samples from `start` to `stop`; drops older ones when `forget` is called.

    The samples are moved only when the array is full, and then into one twice as long as they are:
    a stream adds short blocks for hours, while the windows are many seconds long.
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
        """Return a copy of the samples [start, stop), which must be in the buffer."""
        assert self.start <= start <= stop <= self.stop
        origin = self.start - self._first
        return self._data[start - origin : stop - origin].copy()

    def forget(self, before: int) -> None:
        """Drop the samples before a position."""
        before = min(before, self.stop)
        if before > self.start:
            self._first += before - self.start
            self.start = before
            if len(self._data) > _WASTE * self._wanted(0):
                self._make_room(0)

    def _wanted(self, count: int) -> int:
        return max(_ROOM, 2 * (self.stop - self.start + count))

    def _make_room(self, count: int) -> int:
        """Move the samples to the front of an array with room, and return where they end."""
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
