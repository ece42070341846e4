"""The live stream of the web page: `/web/live`."""

from __future__ import annotations

import asyncio

from pydantic import ValidationError

from eclectus.apps.server.common.conversation import DONE, Conversation, Keys
from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.live_driver import drive
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.samples import Encoding, SampleReader
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.apps.server.page.web_shapes import (
    StartShape,
    error_fields,
    event_fields,
    require_shown,
)
from eclectus.service.live import LiveEvent
from eclectus.streaming.events import SegmentDone

_START_S = 10.0
"""A page that says nothing for so long after it has connected is gone."""


class Live(Conversation[SocketCall]):
    """Follows a microphone.

    The page sends `{"type": "start", "sample_rate": 16000, "format": "s16", "model": null,
    "language": null, "key": null}`, then little-endian mono PCM as binary messages, then
    `{"type": "finish"}`. It gets JSON events: ready, speech, partial, final, segment, language,
    endpoint, ended, or error.
    """

    protocol = "web"
    keys = Keys.FIRST_MESSAGE  # a page can't send headers with a WebSocket

    def __init__(self, call: SocketCall) -> None:
        require_shown(call.service)
        self._call = call
        self._language: str | None = None

    async def run(self) -> int:
        """Serve until the stream has ended."""
        start = await self._started()
        self._call.admit(start.key)
        model = resolve_model(start.model, self._call.service)
        request = self._call.request(
            model=model,
            language=start.language,
            strict_language=True,
            sample_rate=start.sample_rate,
            stalls=True,
        )
        reader = SampleReader(Encoding.PCM16 if start.format == "s16" else Encoding.FLOAT32)
        async with self._call.service.stream(request) as stream:
            await self._call.line.send({"type": "ready", "model": model})

            async def hear(message: str | bytes) -> bool:
                if isinstance(message, str):
                    return read_object(message).get("type") != "finish"
                await stream.push(reader.read_mono(message))
                return True

            await drive(self._call.line, [stream], hear, self._tell)
        return DONE

    async def fail(self, error: Exception) -> None:
        """Send an error."""
        await self._call.line.send(error_fields(error))

    async def _started(self) -> StartShape:
        try:
            async with asyncio.timeout(_START_S):
                message = await self._call.line.receive()
        except TimeoutError as error:
            raise HttpError(408, "no first message has come") from error
        try:
            return StartShape.model_validate(read_object(message))
        except (ValidationError, HttpError) as error:
            raise HttpError(400, 'the first message is {"type": "start", …}') from error

    async def _tell(self, _: int, batch: list[LiveEvent]) -> None:
        """Send events, and the language when it is known or changes."""
        for event in batch:
            fields = event_fields(event)
            if fields is not None:
                await self._call.line.send(fields)
            if isinstance(event, SegmentDone) and event.segment.language not in (
                None,
                self._language,
            ):
                self._language = event.segment.language
                await self._call.line.send({"type": "language", "language": self._language})
