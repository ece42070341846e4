"""A live stream for asyncio: audio in at any pace, events out in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from eclectus.core.errors import StreamClosedError
from eclectus.core.types import FloatArray
from eclectus.service.meter import LiveMeter
from eclectus.streaming.events import Event
from eclectus.streaming.scheduler import StreamScheduler
from eclectus.streaming.session import Session

_PIECE_S = 30.0
"""Audio that waits is handed over in pieces of at most this length."""
_LEAST = 64
"""Samples that a piece counts as at least: a flood of tiny pieces must not fill the memory."""
_ON_LOOP_S = 2.0
"""Longer pieces are prepared in another thread, so that no other stream waits for that."""
_MOST_ORDERS = 50_000
"""Tiny pieces and orders without audio are held up too: they take memory, and answers."""
_WITHIN_SPEECH = 3
"""Audio that breaks off within speech is waited for so many times longer: it's the network."""


@dataclass(frozen=True, slots=True)
class Flushed:
    """A flush is done: all events of the audio before it have come.

    Attributes:
        tag: As it was given to `flush`.
    """

    tag: object = None


@dataclass(frozen=True, slots=True)
class Restarted:
    """The stream began anew, at time 0; nothing of what was before comes any more."""


@dataclass(frozen=True, slots=True)
class _Flush:
    tag: object
    given: float


class _Restart:
    """The stream is to begin anew."""


@dataclass(frozen=True, slots=True)
class _Finish:
    """Nothing follows."""

    given: float


LiveEvent: TypeAlias = Event | Flushed | Restarted
_Order: TypeAlias = FloatArray | _Flush | _Restart | _Finish


class LiveStream:
    """One client's stream. `push`, `flush` and `finish` from one task, `events` from another.

    The reader of the socket is never held up by the model, unless the client is `max_buffered_s`
    ahead of it; then `push` waits, and so does the client's own socket.
    """

    def __init__(
        self,
        session: Session,
        scheduler: StreamScheduler,
        *,
        meter: LiveMeter,
        sample_rate: int,
        max_buffered_s: float,
        stall_flush_s: float | None = None,
    ) -> None:
        """Prepare a stream; nothing is computed before `events` is iterated.

        Args:
            session: The stream's state.
            scheduler: Computes its steps.
            meter: Notes how long words take.
            sample_rate: Of the samples that will be pushed, in Hz.
            max_buffered_s: Most audio that waits.
            stall_flush_s: Without new audio for so long (by the clock), words that are held back
                are made final, three times as long if it breaks off within speech; None never.
        """
        self._session = session
        self._scheduler = scheduler
        self._meter = meter
        self._rate = sample_rate
        self._most = round(max_buffered_s * sample_rate)
        self._stall_flush_s = stall_flush_s
        self._orders: deque[_Order] = deque()
        self._waiting = 0
        self._changed = asyncio.Condition()
        self._finishing = False
        self._dismissed = False

    @property
    def duration(self) -> float:
        """Seconds of audio that the model has had."""
        return self._session.duration

    @property
    def sample_rate(self) -> int:
        """Of the samples that are pushed, in Hz."""
        return self._rate

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes that the model knows; empty if unknown."""
        return self._session.languages

    def require_language(self, language: str | None) -> None:
        """Refuse a language that the model does not know.

        Raises:
            OptionError: It does not.
        """
        self._session.require_language(language)

    def hint(self, language: str | None) -> None:
        """Tell what language is expected from now on.

        Args:
            language: ISO 639-1 code, also with a region; one that the model does not know means
                nothing, like None.
        """
        code = (language or "").partition("-")[0].lower()
        self._session.hint(code if code in self.languages else None)

    async def push(self, samples: FloatArray) -> None:
        """Add samples: (n,) mono in [-1, 1]; what is not finite counts as silence.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        size = round(_PIECE_S * self._rate)
        for start in range(0, len(samples), size):
            await self._push(samples[start : start + size])

    async def _push(self, samples: FloatArray) -> None:
        clean = np.clip(np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0), -1.0, 1.0)
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room or self._finishing)
            if self._dismissed:
                return
            self._require_open()
            self._meter.arrived(len(clean))
            self._waiting += _cost(clean)
            self._orders.append(np.asarray(clean, np.float32))
            self._changed.notify_all()

    async def flush(self, tag: object = None) -> None:
        """End the utterance now; a `Flushed` with the tag follows its events.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._has_room or self._finishing)
            if not self._dismissed:
                self._require_open()
                self._orders.append(_Flush(tag, self._meter.now()))
                self._changed.notify_all()

    async def restart(self) -> None:
        """Begin anew at time 0; audio that was not recognised yet is forgotten.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        async with self._changed:
            if self._dismissed:
                return
            self._require_open()
            self._orders.clear()
            self._waiting = 0
            self._meter.restarted()
            self._orders.append(_Restart())
            self._changed.notify_all()

    async def finish(self) -> None:
        """End the stream: the events end when all is said; safe to call twice."""
        async with self._changed:
            if not self._finishing:
                self._finishing = True
                self._orders.append(_Finish(self._meter.now()))
                self._changed.notify_all()

    async def dismiss(self) -> None:
        """End the stream from the server's side: what the client still sends counts for nothing.

        What came before is recognised, so the client gets its last words.
        """
        self._dismissed = True
        await self.finish()

    async def events(self) -> AsyncIterator[LiveEvent]:
        """Yield all events in order, until the stream has ended.

        Raises:
            BackendError: The engine failed.
        """
        async for batch in self.batches():
            for event in batch:
                yield event

    async def batches(self) -> AsyncIterator[list[LiveEvent]]:
        """Yield what each piece of audio and each order brought, be it nothing.

        All that a flush brings comes with its `Flushed`.

        Raises:
            BackendError: The engine failed.
        """
        stirring = False
        while True:
            order = await self._next(self._patience_s if stirring else None)
            if order is None:  # the client has stalled
                stirring = False
                order = _Flush(self, self._meter.now())
            elif isinstance(order, np.ndarray):
                stirring = True
            if isinstance(order, _Restart):
                self._session.reset()
                yield [Restarted()]
                continue
            self._meter.ordered(None if isinstance(order, np.ndarray) else order.given)
            batch: list[LiveEvent] = []
            for event in await _result(await self._submitted(order)):
                self._meter.told(event)
                batch.append(event)
            if isinstance(order, _Flush) and order.tag is not self:
                batch.append(Flushed(order.tag))
            yield batch
            if isinstance(order, _Finish):
                return

    @property
    def _patience_s(self) -> float | None:
        """How long to wait for audio. To end an utterance within a word spoils the words there."""
        if self._stall_flush_s is None or not self._session.within_speech:
            return self._stall_flush_s
        return _WITHIN_SPEECH * self._stall_flush_s

    async def _submitted(self, order: FloatArray | _Flush | _Finish) -> Future[list[Event]]:
        if isinstance(order, np.ndarray) and len(order) > _ON_LOOP_S * self._rate:
            return await asyncio.to_thread(self._submit, order)
        return self._submit(order)

    def _submit(self, order: FloatArray | _Flush | _Finish) -> Future[list[Event]]:
        if isinstance(order, _Flush):
            return self._scheduler.flush(self._session)
        if isinstance(order, _Finish):
            return self._scheduler.finish(self._session)
        return self._scheduler.push(self._session, order)

    @property
    def _has_room(self) -> bool:
        return self._waiting < self._most and len(self._orders) < _MOST_ORDERS

    def _require_open(self) -> None:
        if self._finishing:
            raise StreamClosedError("the stream has ended; open a new one")

    async def _next(self, patience_s: float | None) -> _Order | None:
        """Take the next order, audio together with the audio behind it; None if none comes."""
        async with self._changed:
            try:
                async with asyncio.timeout(patience_s):
                    await self._changed.wait_for(lambda: self._orders)
            except TimeoutError:
                return None
            order = self._orders.popleft()
            if not isinstance(order, np.ndarray):
                self._changed.notify_all()
                return order
            pieces, held, cost = [order], len(order), _cost(order)
            while (
                self._orders
                and isinstance(piece := self._orders[0], np.ndarray)
                and held + len(piece) <= _PIECE_S * self._rate
            ):
                pieces.append(piece)
                held += len(piece)
                cost += _cost(piece)
                self._orders.popleft()
            self._waiting -= cost
            self._changed.notify_all()
            return np.concatenate(pieces)


def _cost(piece: FloatArray) -> int:
    return max(len(piece), _LEAST)


async def _result(future: Future[list[Event]]) -> list[Event]:
    # Shielded: the scheduler completes what it has begun, even if nobody waits any more.
    return await asyncio.shield(asyncio.wrap_future(future))
