"""The running eaRS streams, and the listeners that follow them."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from starlette.requests import HTTPConnection

_MOST_WAITING = 1000
"""Messages that a listener may be behind before it is let go."""


class EarsListener:
    """One listener's messages, in order, from any number of streams."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        self._too_slow = asyncio.Event()

    @property
    def is_too_slow(self) -> bool:
        """Whether it has missed a message."""
        return self._too_slow.is_set()

    def tell(self, text: str) -> bool:
        """Leave a message; False if the listener is too far behind, now or before."""
        try:
            self._waiting.put_nowait(text)
        except asyncio.QueueFull:
            self._too_slow.set()
        return not self.is_too_slow

    async def next(self) -> str:
        """Wait for a message."""
        return await self._waiting.get()

    async def left_behind(self) -> None:
        """Wait until it is too far behind."""
        await self._too_slow.wait()


class Stream:
    """One running stream, as listeners know it."""

    def __init__(self, identity: int) -> None:
        self.identity = identity
        self._listeners: list[EarsListener] = []

    @property
    def listeners(self) -> int:
        """How many follow it."""
        return len(self._listeners)

    def tell(self, text: str) -> None:
        """Copy a message to its listeners; those that are too slow lose it and are dropped."""
        self._listeners = [one for one in self._listeners if one.tell(text)]

    def add(self, listener: EarsListener) -> None:
        """Copy what follows to a listener, once however often it subscribes."""
        if listener not in self._listeners:
            self._listeners.append(listener)

    def remove(self, listener: EarsListener) -> None:
        """Let a listener go."""
        self._listeners = [one for one in self._listeners if one is not listener]


class Hub:
    """All running streams of a server by their numbers, which are never used again."""

    def __init__(self) -> None:
        self._streams: dict[int, Stream] = {}
        self._last = 0

    @property
    def streams(self) -> list[int]:
        """The numbers of the running streams."""
        return [*self._streams]

    @contextmanager
    def open(self) -> Iterator[Stream]:
        """Keep a stream for as long as the context lasts."""
        self._last += 1
        stream = self._streams[self._last] = Stream(self._last)
        try:
            yield stream
        finally:
            del self._streams[stream.identity]

    def subscribe(self, identity: int, listener: EarsListener) -> bool:
        """Copy a stream's messages to a listener; False if there is no such stream."""
        stream = self._streams.get(identity)
        if stream is not None:
            stream.add(listener)
        return stream is not None

    def leave(self, listener: EarsListener) -> None:
        """Let a listener go from all streams."""
        for stream in self._streams.values():
            stream.remove(listener)


def hub_of(connection: HTTPConnection) -> Hub:
    """Return the process's hub."""
    state = connection.app.state
    if not hasattr(state, "ears_hub"):
        state.ears_hub = Hub()
    hub: Hub = state.ears_hub
    return hub


def is_token(shown: str, tokens: Sequence[str]) -> bool:
    """Whether a token is one of those that open; all are compared, each in constant time."""
    fits = [hmac.compare_digest(shown.encode(errors="replace"), one.encode()) for one in tokens]
    return any(fits)
