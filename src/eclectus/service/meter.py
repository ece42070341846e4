"""How long a live stream's speaker waits for words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from eclectus.service.telemetry import Telemetry
from eclectus.streaming.events import Endpoint, EndpointReason, Event, Final, Partial, SpeechStarted

_REMEMBERED_S = 120.0
"""Arrival times of older audio are forgotten."""


class LiveMeter:
    """Notes when audio arrives and when words come; times are those of the server's clock."""

    def __init__(
        self,
        telemetry: Telemetry,
        *,
        sample_rate: int,
        silence_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin before any audio.

        Args:
            telemetry: Where the numbers go.
            sample_rate: Of the samples that are counted, in Hz.
            silence_s: Silence after which an utterance ends.
            clock: Seconds.
        """
        self._telemetry = telemetry
        self._rate = sample_rate
        self._silence_s = silence_s
        self._clock = clock
        self.restarted()

    def restarted(self) -> None:
        """The stream begins anew at time 0."""
        self._arrivals: deque[tuple[int, float]] = deque()
        self._samples = 0
        self._speech: float | None = None
        self._ordered: float | None = None

    def now(self) -> float:
        """Return the time by this meter's clock."""
        return self._clock()

    def arrived(self, samples: int) -> None:
        """Audio came from the client."""
        self._samples += samples
        self._arrivals.append((self._samples, self._clock()))
        while self._samples - self._arrivals[0][0] > _REMEMBERED_S * self._rate:
            self._arrivals.popleft()

    def ordered(self, when: float | None) -> None:
        """The utterance is being ended by an order that was given at that time; None: no more."""
        self._ordered = when

    def told(self, event: Event) -> None:
        """An event goes out to the client."""
        if isinstance(event, SpeechStarted):
            self._speech = self._arrival(event.at)
        elif isinstance(event, Partial | Final) and event.words:
            if self._speech is not None:
                self._telemetry.first_word_s.observe(self._clock() - self._speech)
            self._speech = None
        elif isinstance(event, Endpoint):
            self._speech = None
            since = self._end(event)
            if since is not None:
                self._telemetry.final_s.observe(max(0.0, self._clock() - since))

    def _end(self, endpoint: Endpoint) -> float | None:
        """Return when what ended the utterance arrived; None where nothing did but its length."""
        if endpoint.reason is EndpointReason.SILENCE:
            return self._arrival(endpoint.at + self._silence_s)
        return self._ordered if endpoint.reason is EndpointReason.FLUSH else None

    def _arrival(self, at: float) -> float | None:
        """Return when the sample at `at` seconds of the stream came."""
        sample = at * self._rate
        latest = None
        for stop, latest in self._arrivals:
            if stop >= sample:
                return latest
        return latest
