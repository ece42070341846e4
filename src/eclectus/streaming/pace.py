"""Decides how often drafts are made: as often as the time that they take allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]

_EASING = 0.75
"""The interval is multiplied by this, or more, after a draft that took little time: it shrinks
slowly, so that drafts are steady while the load changes."""
_LONGEST = 10.0
"""The interval is at most so many times the shortest: some drafts are made even under full load."""


class DraftPace:
    """The interval between the drafts of a stream, in seconds of audio.

    The time from when a draft is requested to when it is computed, waiting for other streams
    included, may be a given share of the interval. A draft that takes longer lengthens the interval
    accordingly; drafts that take less shorten it step by step, down to the shortest.
    """

    def __init__(self, shortest_s: float, share: float, clock: Clock = time.perf_counter) -> None:
        """Begin with the shortest interval.

        Args:
            shortest_s: Seconds of audio.
            share: In (0, 1).
            clock: Returns the time in seconds.
        """
        self._shortest = shortest_s
        self._share = share
        self._clock = clock
        self.interval_s = shortest_s

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure the time of a draft."""
        begun = self._clock()
        yield
        self._settle((self._clock() - begun) / self._share)

    def skipped(self) -> None:
        """Lengthen the interval: there was no time for a draft."""
        self._settle(2 * self.interval_s)

    def _settle(self, needed_s: float) -> None:
        eased = max(needed_s, self.interval_s * _EASING, self._shortest)
        self.interval_s = min(eased, self._shortest * _LONGEST)
