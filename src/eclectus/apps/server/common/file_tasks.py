"""From an upload to its transcript: work that lasts as long as its client waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Generic, TypeAlias, TypeVar

from fastapi import Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.core.types import Progress, Transcript, Word
from eclectus.service.service import FileRequest, SpeechService

_Result = TypeVar("_Result")
_News = TypeVar("_News")
_Work: TypeAlias = Coroutine[Any, Any, Transcript]


async def while_connected(request: Request, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do a client's work for as long as it waits for it; the body must have been read.

    Raises:
        HttpError: It has hung up; the work was cancelled.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_until_gone(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise HttpError(499, "the client has hung up", code="client_closed_request")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _wait_until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def transcribed(request: Request, service: SpeechService, work: FileRequest) -> Transcript:
    """Transcribe a file for as long as its client waits for it; the body must have been read.

    Raises:
        HttpError: It has hung up; the work was cancelled.
        EclectusError: As for `SpeechService.transcribe`.
    """
    return await while_connected(request, service.transcribe(work))


class FileTask(Generic[_News]):
    """A file in work that reports on the way; `follow_words` and `follow_progress` make one."""

    def __init__(self, work: Callable[[Callable[[_News], None]], _Work]) -> None:
        """Begin to work.

        Args:
            work: Makes the work; its argument takes the news, from any thread.
        """
        self._loop = asyncio.get_running_loop()
        # None when the work is over.
        self._queue: asyncio.Queue[_News | None] = asyncio.Queue()
        self._first = asyncio.Event()
        self._task = asyncio.create_task(work(self._pass_on))
        self._task.add_done_callback(lambda _: self._queue.put_nowait(None))

    async def begin(self, patience_s: float | None, *, first_news: bool = False) -> None:
        """Wait until the work fails, ends, or takes its time: only then does an answer begin.

        Args:
            patience_s: Longest time to wait; None for no limit.
            first_news: Whether the first news are enough.

        Raises:
            EclectusError: The work has failed.
        """
        first = asyncio.create_task(self._first.wait())
        signs: set[asyncio.Task[Any]] = {self._task, first} if first_news else {self._task}
        try:
            await asyncio.wait(signs, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            first.cancel()
        if self._task.done():
            self._task.result()

    async def news(self, quiet_s: float | None = None) -> AsyncIterator[_News | None]:
        """Yield news up to the end of the work.

        Args:
            quiet_s: After so long without any, None is yielded; None for never.
        """
        while True:
            try:
                one = await asyncio.wait_for(self._queue.get(), quiet_s)
            except TimeoutError:
                yield None
                continue
            if one is None:
                return
            yield one

    async def transcript(self) -> Transcript:
        """Wait for the transcript.

        Raises:
            EclectusError: The work has failed.
        """
        return await self._task

    async def close(self) -> None:
        """Stop the work, if it is not over."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _pass_on(self, news: _News) -> None:
        self._loop.call_soon_threadsafe(self._note, news)

    def _note(self, news: _News) -> None:
        self._queue.put_nowait(news)
        self._first.set()


def follow_words(service: SpeechService, work: FileRequest) -> FileTask[tuple[Word, ...]]:
    """Begin a file that reports its words as they become final."""
    return FileTask(lambda news: service.transcribe(replace(work, on_words=news)))


def follow_progress(service: SpeechService, work: FileRequest) -> FileTask[Progress]:
    """Begin a file that reports its progress."""
    return FileTask(lambda news: service.transcribe(replace(work, on_progress=news)))


class HeldResponse(StreamingResponse):
    """An answer in pieces that frees what it needs however it ends."""

    def __init__(
        self,
        lines: AsyncIterator[str],
        held: AsyncExitStack,
        *,
        media_type: str,
        headers: dict[str, str],
    ) -> None:
        """Prepare.

        Args:
            lines: The pieces.
            held: What they need; closed after them.
            media_type: Of HTTP.
            headers: Of HTTP.
        """
        super().__init__(lines, media_type=media_type, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the pieces."""
        async with self._held:
            await super().__call__(scope, receive, send)
