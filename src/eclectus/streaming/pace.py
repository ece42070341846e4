"""How often drafts are made: as often as computing them allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]

_EASING = 0.75
"""By which the interval shrinks after a draft that was cheap: load that comes and goes must not
make drafts come and go."""
_LONGEST = 10.0
"""The interval is this many times the shortest at most: something moves even under full load."""


class DraftPace:
    """The interval between the drafts of a stream, in seconds of audio.

    The time that a draft takes from when it is due to when it is there, waiting for other streams
    included, may be a share of the interval. A draft that takes more makes the interval so long
    that it does not; cheaper ones let it shrink step by step, down to the shortest.
    """

    def __init__(self, shortest_s: float, share: float, clock: Clock = time.perf_counter) -> None:
        """Begin with the shortest interval.

        Args:
            shortest_s: Seconds of audio.
            share: In (0, 1).
            clock: Seconds that pass.
        """
        self._shortest = shortest_s
        self._share = share
        self._clock = clock
        self.interval_s = shortest_s

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Take the time of a draft."""
        begun = self._clock()
        yield
        self._settle((self._clock() - begun) / self._share)

    def skipped(self) -> None:
        """Wait longer: there was no time for a draft."""
        self._settle(2 * self.interval_s)

    def _settle(self, needed_s: float) -> None:
        eased = max(needed_s, self.interval_s * _EASING, self._shortest)
        self.interval_s = min(eased, self._shortest * _LONGEST)
