"""What a stream asks to be computed, one thing after the other."""

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
    """Samples that a stream wants to hear.

    Attributes:
        detector: The stream's.
        samples: (n,) mono float32 at 16 kHz.
        decisions: What the detector decided; filled in by who listens.
    """

    detector: SpeechDetector
    samples: FloatArray
    decisions: list[bool] = field(default_factory=list)

    def hear(self) -> None:
        """Let the detector hear them.

        Raises:
            BackendError: The engine failed.
        """
        self.decisions = self.detector.push(self.samples)


Steps: TypeAlias = Generator[Work | Listening, Found | None, list[Event]]
"""What is to be computed, and in return what was found: None for what there was no time for (a
draft, or an end ahead of its time) and for what was heard; in the end the events. What is heard is
asked for before the first step."""
