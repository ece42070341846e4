"""The requests of a stream: speech to detect and steps of the model to compute, one by one."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TypeAlias

from eclectus.core.protocols import SpeechDetector
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import Found, Work
from eclectus.streaming.events import Event


@dataclass(slots=True, eq=False)
class Listening:
    """A request to detect speech in samples.

    Attributes:
        detector: The stream's own.
        samples: (n,) mono float32 at 16 kHz.
        decisions: The decisions of the detector; set by whoever serves the request.
    """

    detector: SpeechDetector
    samples: FloatArray
    decisions: list[bool] = field(default_factory=list)

    def hear(self) -> None:
        """Serve the request: run the detector.

        Raises:
            BackendError: The engine failed.
        """
        self.decisions = self.detector.push(self.samples)


Steps: TypeAlias = Generator[Work | Listening, Found | None, list[Event]]
"""A generator that yields requests, is sent their results, and returns the events.

The result of a `Work` is what was found, or None if there was no time for it, which only a `Draft`
and an `Ahead` allow. The result of a `Listening` is None: its decisions are set in the request. All
requests to detect speech come before the first `Work`."""
