"""Follows the work on a file from the event loop, and gives it up when its client has left.

Files are computed in other threads, which call back from there. What they report arrives here on
the event loop, in order; a follower that is slow finds it put together.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from eclectus.core.types import Progress, Transcript, Word

if TYPE_CHECKING:
    from eclectus.service.service import FileRequest, SpeechService

Result = TypeVar("Result")
Update: TypeAlias = "Progress | tuple[Word, ...]"


class ClientGoneError(Exception):
    """The client left before its work was done; the work was cancelled."""


async def unless_gone(
    work: Coroutine[Any, Any, Result], gone: Coroutine[Any, Any, object]
) -> Result:
    """Do a client's work for as long as the client waits for it.

    Args:
        work: Cancelled if the client leaves.
        gone: Returns when the client has left; cancelled if the work ends first.

    Raises:
        ClientGoneError: The client has left.
        Exception: What the work raises.
    """
    working, leaving = asyncio.create_task(work), asyncio.create_task(gone)
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientGoneError("the client has hung up")
        return working.result()
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


class FileTask:
    """One file in work. It begins at once; `aclose` cancels what is not done by then.

    Examples:
        >>> async with contextlib.aclosing(FileTask(service, request, words=True)) as task:
        ...     await task.started(1.0)
        ...     async for update in task.updates():
        ...         ...
        ...     transcript = await task.transcript()
    """

    def __init__(
        self,
        service: SpeechService,
        request: FileRequest,
        *,
        progress: bool = False,
        words: bool = False,
    ) -> None:
        """Begin to work; to be called on the event loop.

        Args:
            service: Does the work.
            request: The file; its own callbacks are replaced by those that are followed here.
            progress: Report `Progress`.
            words: Report words as soon as they are settled.
        """
        self._updates: list[Update] = []
        self._changed = asyncio.Event()
        tell = _on_loop(self._add)
        if progress:
            request = replace(request, on_progress=tell)
        if words:
            request = replace(request, on_words=tell)
        self._task = asyncio.create_task(service.transcribe(request))
        self._task.add_done_callback(self._ended)

    async def started(self, patience_s: float | None = None) -> bool:
        """Wait for the first update or the end, without taking the update.

        Args:
            patience_s: Wait no longer than so many seconds; None for no limit.

        Returns:
            False if the time passed before.

        Raises:
            EclectusError: The work has failed.
        """
        found = await self._wait(patience_s)
        if self._task.done():
            await self._task
        return found

    async def updates(self, quiet_s: float | None = None) -> AsyncIterator[Update | None]:
        """Yield what is reported until the work has ended, be it with an error.

        Of progress that was not taken yet only the last is kept; words are put together.

        Args:
            quiet_s: Yield None after each so many seconds without an update; None for never.
        """
        while True:
            found = await self._wait(quiet_s)
            updates, self._updates = self._updates, []
            if not self._task.done():
                self._changed.clear()
            for update in updates:
                yield update
            if not found:
                yield None
            elif self._task.done() and not self._updates:
                return

    async def transcript(self) -> Transcript:
        """Wait for the transcript.

        Raises:
            EclectusError: The work has failed.
        """
        return await asyncio.shield(self._task)

    async def aclose(self) -> None:
        """Cancel the work if it is not done, and wait until nothing reads the source any more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _add(self, update: Update) -> None:
        last = self._updates[-1] if self._updates else None
        if isinstance(update, Progress) and isinstance(last, Progress):
            self._updates[-1] = update
        elif isinstance(update, tuple) and isinstance(last, tuple):
            self._updates[-1] = (*last, *update)
        else:
            self._updates.append(update)
        self._changed.set()

    def _ended(self, task: asyncio.Task[Transcript]) -> None:
        if not task.cancelled():
            task.exception()  # retrieved: an error that nobody waits for is not logged
        self._changed.set()

    async def _wait(self, patience_s: float | None) -> bool:
        try:
            async with asyncio.timeout(patience_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True


def _on_loop(call: Callable[[Update], None]) -> Callable[[Update], None]:
    """Return a callback for other threads that makes a call on the running loop."""
    loop = asyncio.get_running_loop()

    def tell(update: Update) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process is about to end
            loop.call_soon_threadsafe(call, update)

    return tell
