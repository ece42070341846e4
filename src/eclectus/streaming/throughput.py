"""How much a model computes, and how much of its time that takes."""

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
    """What the model took lately, so that batches can be made to last a wanted time.

    Attributes:
        sample_rate: Samples in a second of audio.
        rtfx: Seconds of audio that it takes in a second; a guess before the first batch.
    """

    sample_rate: int
    rtfx: float = _FIRST

    def samples_in(self, seconds: float) -> int:
        """Return how many samples it may take in a time."""
        return round(self.rtfx * seconds * self.sample_rate)

    def observe(self, samples: int, seconds: float) -> None:
        """Learn from a batch."""
        now = samples / self.sample_rate / max(seconds, 1e-6)
        self.rtfx += _WEIGHT * (now - self.rtfx)


@dataclass
class Utilization:
    """The share of the last second or so in which workers were busy; safe to use from threads.

    Attributes:
        workers: Who may be busy at once.
        memory_s: What lies further back than this counts little.
    """

    workers: int
    memory_s: float = 1.0
    clock: Callable[[], float] = time.monotonic
    _busy: int = 0
    _share: float = 0.0
    _since: float = field(default=0.0)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def begin(self) -> None:
        """Count a worker that begins."""
        self._change(1)

    def end(self) -> None:
        """Count a worker that is done."""
        self._change(-1)

    @property
    def share(self) -> float:
        """From 0, nobody was busy, to 1, all were all the time."""
        self._change(0)
        return self._share

    def _change(self, by: int) -> None:
        with self._lock:
            now = self.clock()
            kept = math.exp(-max(0.0, now - self._since) / self.memory_s)
            self._share = kept * self._share + (1 - kept) * self._busy / self.workers
            self._since = now
            self._busy += by
