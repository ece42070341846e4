"""OpenAI's server-sent events of one file: text as soon as it can't change any more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from eclectus.apps.server.errors import code_of, error_object
from eclectus.apps.server.openai_form import TranscriptionForm
from eclectus.apps.server.openai_shapes import logprobs, plain
from eclectus.core.errors import EclectusError
from eclectus.core.types import Transcript, Word
from eclectus.service.service import FileRequest, SpeechService

_STATUS_S = 1.0
"""So long may an error still become the status of the answer; then the stream begins."""
_QUIET_S = 15.0
"""Proxies cut connections on which nothing comes: after so long, a comment does."""
_QUIET = ": recognising\n\n"


async def open_events(
    service: SpeechService, work: FileRequest, asked: TranscriptionForm, stack: AsyncExitStack
) -> StreamingResponse:
    """Begin a file and answer with its events.

    Args:
        service: Does the work.
        work: The file.
        asked: What the client wants.
        stack: Holds what the work needs; the response closes it.

    Raises:
        EclectusError: The work failed before anything was heard.
    """
    # A model that can't be loaded is an error of the answer, not an event of its stream.
    async with service.model(work.model):
        events = _Events(service, work, logprobs=asked.logprobs)
    held = stack.pop_all()
    held.push_async_callback(events.close)
    try:
        await events.begin()
    except BaseException:
        await held.aclose()
        raise
    return _EventResponse(events, held)


class _EventResponse(StreamingResponse):
    """A stream that frees what it needs however it ends."""

    def __init__(self, events: _Events, held: AsyncExitStack) -> None:
        headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
        super().__init__(events.lines(), media_type="text/event-stream", headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


class _Events:
    def __init__(self, service: SpeechService, work: FileRequest, *, logprobs: bool) -> None:
        self._service = service
        self._logprobs = logprobs
        self._loop = asyncio.get_running_loop()
        # Words; None when the work is over.
        self._queue: asyncio.Queue[tuple[Word, ...] | None] = asyncio.Queue()
        self._said = False
        self._task = asyncio.create_task(service.transcribe(replace(work, on_words=self._pass_on)))
        self._task.add_done_callback(lambda _: self._queue.put_nowait(None))

    async def begin(self) -> None:
        """Wait until the work fails, ends or takes its time."""
        await asyncio.wait({self._task}, timeout=_STATUS_S)
        if self._task.done():
            self._task.result()

    async def lines(self) -> AsyncIterator[str]:
        while True:
            try:
                words = await asyncio.wait_for(self._queue.get(), _QUIET_S)
            except TimeoutError:
                yield _QUIET
                continue
            if words is None:
                break
            yield _line(self._delta(words))
        try:
            transcript = await self._task
        except EclectusError as error:
            self._service.telemetry.errors.labels(code_of(error)).inc()
            yield _line({"error": error_object(error)})
            return
        yield _line(self._done(transcript))
        yield "data: [DONE]\n\n"

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _pass_on(self, words: tuple[Word, ...]) -> None:
        self._loop.call_soon_threadsafe(self._queue.put_nowait, words)

    def _delta(self, words: tuple[Word, ...]) -> dict[str, Any]:
        text = " ".join(word.text for word in words)
        event: dict[str, Any] = {
            "type": "transcript.text.delta",
            "delta": f" {text}" if self._said else text,
        }
        if self._logprobs:
            event["logprobs"] = logprobs(words, first=not self._said)
        self._said = True
        return event

    def _done(self, transcript: Transcript) -> dict[str, Any]:
        event = {"type": "transcript.text.done", **plain(transcript)}
        if self._logprobs:
            event["logprobs"] = logprobs(transcript.words)
        return event


def _line(event: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False, allow_nan=False)}\n\n"
