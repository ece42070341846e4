"""Where utterances begin and end, from decisions of speech or not."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from eclectus.core.options import EndpointOptions
from eclectus.core.protocols import SpeechDetector
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import FloatArray
from eclectus.streaming.events import EndpointReason
from eclectus.streaming.steps import Listening

_HEARD_S = 0.1
"""How much is looked at for the start of speech ..."""
_ENOUGH = 0.7
"""... and the share of it that must be speech: clicks are shorter."""
_LIKELY = 0.4
"""After this share of the silence that ends an utterance it is likely over."""


@dataclass(frozen=True, slots=True)
class Mark:
    """The start or the end of an utterance; all in samples of the stream.

    Attributes:
        known: When it was decided: one past the last sample that was needed.
        at: Where it is.
        reason: Why the utterance ends; None for its start.
    """

    known: int
    at: int
    reason: EndpointReason | None


class Endpointer:
    """Follows a stream; any blocks give the same marks."""

    def __init__(self, options: EndpointOptions, detector: SpeechDetector) -> None:
        """Start a stream.

        Args:
            options: What silence ends an utterance, and how long one may be.
            detector: Decides of speech; it must be new, as the stream is.
        """
        self._detector = detector
        self._hop, self._window = detector.hop, detector.window
        self._silence = self._frames(options.silence_s)
        longest = options.max_utterance_s
        self._longest = None if longest is None else self._frames(longest)
        self._heard = self._frames(_HEARD_S)
        self._enough = math.ceil(_ENOUGH * self._heard)
        self._waiting: deque[bool] = deque()
        self._recent: list[bool] = []
        self._index = 0
        self._begun: int | None = None
        self._last_speech = 0

    @property
    def heard_until(self) -> int:
        """One past the last sample of speech so far."""
        return self._last_speech * self._hop + self._window

    @property
    def over_at(self) -> int:
        """The sample at which silence ends the utterance, if nobody speaks until then."""
        return self.heard_until + self._silence * self._hop

    @property
    def likely_over_at(self) -> int:
        """The sample from which on that is likely: pauses within speech are mostly shorter."""
        return self.heard_until + round(_LIKELY * self._silence) * self._hop

    def listening(self, samples: FloatArray) -> Listening:
        """Return the wish to hear samples (n,), mono float32 at 16 kHz.

        What is decided must be given to `take`.
        """
        return Listening(self._detector, samples)

    def take(self, decisions: Sequence[bool]) -> None:
        """Take the detector's next decisions."""
        self._waiting.extend(decisions)

    def next_mark(self, until: int | None = None) -> Mark | None:
        """Return the next mark that the samples so far decide.

        Args:
            until: Decide nothing that needs samples past this one; None for no limit. What the
                endpointer knows is thus a matter of places in the stream alone.
        """
        mark = None
        while mark is None and self._waiting and (until is None or self._known <= until):
            mark = self._decide(self._waiting.popleft())
            self._index += 1
        return mark

    def forget_utterance(self) -> None:
        """Wait for the next start of speech, because somebody else ended the utterance."""
        self._begun = None
        self._recent = []

    def begin_anew(self, at: int) -> bool:
        """End the utterance at a sample of the past, because somebody else found its end.

        Returns:
            Whether there has been speech since: then the next utterance has begun there.
        """
        if self.heard_until - at < round(_HEARD_S * SAMPLE_RATE):
            self.forget_utterance()
            return False
        self._begun = at // self._hop
        return True

    @property
    def _known(self) -> int:
        """One past the last sample that the next decision needs."""
        return self._index * self._hop + self._window

    def _decide(self, speaking: bool) -> Mark | None:
        if speaking:
            self._last_speech = self._index
        if self._begun is None:
            self._recent = [*self._recent[1 - self._heard :], speaking]
            if sum(self._recent) >= self._enough:
                first = self._index + 1 - len(self._recent) + self._recent.index(True)
                self._begun = first
                return Mark(self._known, first * self._hop, None)
        elif self._index - self._last_speech >= self._silence:
            return self._end(self.heard_until, EndpointReason.SILENCE)
        elif self._longest is not None and self._index - self._begun >= self._longest:
            return self._end(self._known, EndpointReason.LENGTH)
        return None

    def _frames(self, seconds: float) -> int:
        return max(1, round(seconds * SAMPLE_RATE / self._hop))

    def _end(self, at: int, reason: EndpointReason) -> Mark:
        self.forget_utterance()
        return Mark(self._known, at, reason)
