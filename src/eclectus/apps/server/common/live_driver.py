"""Runs reading and writing, stop, disconnection and drain of a live session, for all wires."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from eclectus.service.live import LiveEvent, LiveStream

_Message = TypeVar("_Message")


class ClientGoneError(Exception):
    """The client has left; nothing can be sent any more."""


class Line(ABC, Generic[_Message]):
    """A client's messages in order."""

    def __init__(self) -> None:
        self._kept: asyncio.Future[_Message] | None = None

    @abstractmethod
    async def read(self) -> _Message:
        """Wait for a message.

        Raises:
            ClientGoneError: The client has left.
        """

    @abstractmethod
    async def close(self, code: int, reason: str = "") -> None:
        """End the connection.

        Args:
            code: As of a WebSocket.
            reason: For a person.

        Raises:
            ClientGoneError: The client has left.
        """

    async def receive(self) -> _Message:
        """Return the next message, the one that `watch` kept first.

        Raises:
            ClientGoneError: The client has left.
        """
        if self._kept is None:
            return await self.read()
        message = await asyncio.shield(self._kept)
        self._kept = None
        return message

    def put_back(self, message: _Message) -> None:
        """Let the next `receive` return a message again."""
        self._kept = asyncio.get_running_loop().create_future()
        self._kept.set_result(message)

    async def watch(self, *, keep: bool) -> None:
        """Wait until the client leaves.

        Args:
            keep: Whether its next message is kept for `receive`; otherwise all are dropped.

        Raises:
            ClientGoneError: It has left.
        """
        while not keep:
            await self.receive()
        if self._kept is None:
            # A read that is broken off in the middle would lose a part of a message.
            self._kept = asyncio.create_task(self.read())
        await asyncio.wait({self._kept})
        if (error := self._kept.exception()) is not None:
            raise error
        await asyncio.Event().wait()  # it has sent something, so it is there

    async def leave(self) -> None:
        """Read nothing any more."""
        if self._kept is not None:
            self._kept.cancel()
            await asyncio.gather(self._kept, return_exceptions=True)


async def drive(
    line: Line[_Message],
    streams: Sequence[LiveStream],
    on_message: Callable[[_Message], Awaitable[bool]],
    on_events: Callable[[int, list[LiveEvent]], Awaitable[None]],
    *,
    goes_on: bool = False,
) -> bool:
    """Run a client's live streams until all their events are handled.

    Messages and events are handled side by side. When the client has finished, the streams are
    finished, and what it sends after that is ignored. When the server ends the streams, no message
    is read any more. When the client leaves, everything is cancelled at once.

    Args:
        line: The client's messages.
        streams: One, or one a channel.
        on_message: Handles a message; returns whether the client goes on.
        on_events: Handles what one step of a stream has brought, by the stream's index.
        goes_on: Whether what the client sends after it has finished is kept for a next stream.

    Returns:
        Whether the client has finished; otherwise the server has ended the streams.

    Raises:
        ClientGoneError: The client has left.
    """
    finished = False

    async def listen() -> None:
        nonlocal finished
        while await on_message(await line.receive()):
            pass
        finished = True
        for stream in streams:
            await stream.finish()
        await line.watch(keep=goes_on)

    async def follow(index: int, stream: LiveStream) -> None:
        async for batch in stream.batches():
            await on_events(index, batch)

    followed = (follow(index, stream) for index, stream in enumerate(streams))
    await first_of(all_of(*followed), listen())
    return finished


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run works together; when the first of them ends, the others are cancelled.

    Raises:
        Exception: What a work raised; of several, that of the first in order.
    """
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ends = await _cancelled(tasks)
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def all_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run works together until all have ended; the first failure ends them all."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> list[BaseException | None]:
    for task in tasks:
        task.cancel()
    return await asyncio.gather(*tasks, return_exceptions=True)
