"""How much audio a model takes in a time."""

from __future__ import annotations

from dataclasses import dataclass

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
