"""What a speaker says turn by turn, where something else knows when turns begin and end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace

import numpy as np

from eclectus.core.options import StreamOptions
from eclectus.core.types import FloatArray, Word
from eclectus.integrations.shared import Ears
from eclectus.streaming.events import Event
from eclectus.streaming.session import Session

_HEARD_BEFORE_S = 2.0
"""Audio that is kept while nobody speaks; a VAD tells of speech after the fact."""


class TurnListener:
    """One stream of audio; each turn is a session of its own. For one task at a time."""

    def __init__(self, ears: Ears, sample_rate: int) -> None:
        """Begin at time 0, between turns.

        Args:
            ears: The model; may be replaced between turns.
            sample_rate: Of the audio, in Hz.
        """
        self.ears = ears
        self._rate = sample_rate
        self._session: Session | None = None
        self._before: deque[FloatArray] = deque()
        self._heard = 0
        self._opened_at = 0.0

    @property
    def in_turn(self) -> bool:
        """Whether a turn is under way."""
        return self._session is not None

    def place(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """Return words of this turn with times since the start of the audio, without tokens."""
        by = self._opened_at
        return tuple(
            replace(word, start=word.start + by, end=word.end + by, tokens=()) for word in words
        )

    def age(self, at: float) -> float:
        """Return the seconds of audio that came after a time of this turn."""
        return self._heard / self._rate - self._opened_at - at

    async def hear(self, samples: FloatArray) -> list[Event]:
        """Take audio: (n,) mono in [-1, 1].

        Raises:
            BackendError: The engine failed.
        """
        self._heard += len(samples)
        if self._session is not None:
            return await self._result(self.ears.scheduler.push(self._session, samples))
        self._before.append(samples)
        held = sum(len(piece) for piece in self._before)
        while held - len(self._before[0]) > _HEARD_BEFORE_S * self._rate:
            held -= len(self._before.popleft())
        return []

    async def begin(self, options: StreamOptions, lead_s: float) -> list[Event]:
        """Begin a turn with the last seconds that were heard since the turn before.

        Raises:
            BackendError: The engine failed.
            OptionError: The options are impossible.
        """
        if self._session is not None:
            return []
        lead = np.concatenate([np.zeros(0, np.float32), *self._before])
        lead = lead[max(0, len(lead) - round(lead_s * self._rate)) :]
        self._before.clear()
        self._opened_at = (self._heard - len(lead)) / self._rate
        self._session = self.ears.model.stream(options, sample_rate=self._rate)
        return await self._result(self.ears.scheduler.push(self._session, lead))

    async def end(self) -> list[Event]:
        """End the turn: what is left becomes final.

        Raises:
            BackendError: The engine failed.
        """
        if self._session is None:
            return []
        session, self._session = self._session, None
        return await self._result(self.ears.scheduler.finish(session))

    def drop(self) -> None:
        """Forget the turn."""
        self._session = None

    async def _result(self, future: Future[list[Event]]) -> list[Event]:
        # Shielded: the scheduler completes what it has begun, even if nobody waits any more.
        return await asyncio.shield(asyncio.wrap_future(future))
