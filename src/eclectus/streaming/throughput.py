"""Measures how fast a model is, and how busy its workers are."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_WEIGHT = 0.2
_FIRST = 100.0


@dataclass
class Throughput:
    """The speed of the model in recent batches, to choose batches that take a given time.

    Attributes:
        sample_rate: Samples in a second of audio.
        rtfx: Seconds of audio computed in a second; an estimate before the first batch.
    """

    sample_rate: int
    rtfx: float = _FIRST

    def samples_in(self, seconds: float) -> int:
        """Return how many samples are computed in a time."""
        return round(self.rtfx * seconds * self.sample_rate)

    def observe(self, samples: int, seconds: float) -> None:
        """Update the speed with a batch."""
        now = samples / self.sample_rate / max(seconds, 1e-6)
        self.rtfx += _WEIGHT * (now - self.rtfx)


@dataclass
class Utilization:
    """The share of the last second or so in which workers were busy; safe to use from threads.

    Attributes:
        workers: How many may be busy at once.
        memory_s: Time constant of the average: what is longer ago counts little.
    """

    workers: int
    memory_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _busy: int = 0
    _share: float = 0.0
    _since: float = field(default=0.0)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> None:
        """Count a worker that becomes busy."""
        self._change(1)

    def end(self) -> None:
        """Count a worker that becomes idle."""
        self._change(-1)

    @property
    def share(self) -> float:
        """Between 0 (no worker was busy) and 1 (all were busy all the time)."""
        self._change(0)
        return self._share

    def _change(self, by: int) -> None:
        with self._lock:
            now = self.clock()
            kept = math.exp(-max(0.0, now - self._since) / self.memory_s)
            self._share = kept * self._share + (1 - kept) * self._busy / self.workers
            self._since = now
            self._busy += by
