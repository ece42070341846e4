"""The last samples of a stream, addressed by their place in the stream."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray

_ROOM = 1 << 14


class SampleBuffer:
    """Keeps the samples from `start` to `stop`; forgets older ones when told."""

    def __init__(self) -> None:
        self._data: FloatArray = np.empty(_ROOM, np.float32)
        self.start = 0
        self.stop = 0

    def add(self, samples: FloatArray) -> None:
        """Append samples (n,)."""
        held = self.stop - self.start
        if held + len(samples) > len(self._data):
            room = np.empty(2 * (held + len(samples)), np.float32)
            room[:held] = self._data[:held]
            self._data = room
        self._data[held : held + len(samples)] = samples
        self.stop += len(samples)

    def read(self, start: int, stop: int) -> FloatArray:
        """Return a copy of the samples [start, stop), which must be there."""
        assert self.start <= start <= stop <= self.stop
        return self._data[start - self.start : stop - self.start].copy()

    def forget(self, before: int) -> None:
        """Drop samples before a place."""
        before = min(before, self.stop)
        if before > self.start:
            held = self.stop - before
            self._data[:held] = self._data[before - self.start : self.stop - self.start].copy()
            self.start = before
