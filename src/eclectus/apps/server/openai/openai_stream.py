"""OpenAI's server-sent events of one file: text as soon as it can't change any more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

from fastapi.responses import StreamingResponse

from eclectus.apps.server.common.file_tasks import FileTask, HeldResponse, follow_words
from eclectus.apps.server.common.wire_errors import count_error
from eclectus.apps.server.openai.openai_form import TranscriptionForm
from eclectus.apps.server.openai.openai_shapes import error_object, logprobs, plain
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
    # A model that can't be loaded is an error of the response, not an event of its stream.
    async with service.model(work.model):
        task = follow_words(service, work)
    held = stack.pop_all()
    held.push_async_callback(task.close)
    try:
        await task.begin(_STATUS_S)
    except BaseException:
        await held.aclose()
        raise
    events = _Events(service, task, logprobs=asked.logprobs)
    headers = {"cache-control": "no-cache", "x-accel-buffering": "no"}
    return HeldResponse(events.lines(), held, media_type="text/event-stream", headers=headers)


class _Events:
    def __init__(
        self, service: SpeechService, task: FileTask[tuple[Word, ...]], *, logprobs: bool
    ) -> None:
        self._service = service
        self._task = task
        self._logprobs = logprobs
        self._said = False

    async def lines(self) -> AsyncIterator[str]:
        async for words in self._task.news(_QUIET_S):
            yield _QUIET if words is None else _line(self._delta(words))
        try:
            transcript = await self._task.transcript()
        except EclectusError as error:
            count_error(self._service, error)
            yield _line({"error": error_object(error)})
            return
        yield _line(self._done(transcript))
        yield "data: [DONE]\n\n"

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
