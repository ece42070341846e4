"""The live stream of the web page: `/web/live`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from eclectus.apps.server.auth import admit, check_origin
from eclectus.apps.server.context import Service
from eclectus.apps.server.errors import HttpError, code_of, meaning_of, message_of
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.web_shapes import StartShape, error_fields, event_fields
from eclectus.core.errors import EclectusError
from eclectus.core.types import FloatArray, Segment
from eclectus.recognition.assemble import language_of
from eclectus.service.live import LiveStream
from eclectus.service.pool import Served
from eclectus.service.service import SpeechService, StreamRequest
from eclectus.streaming.events import SegmentDone

router = APIRouter()

_START_S = 10.0
"""A page that says nothing for so long after it has connected is gone."""


@router.websocket("/web/live")
async def live(socket: WebSocket, service: Service) -> None:
    """Follow a microphone.

    The page sends `{"type": "start", "sample_rate": 16000, "format": "s16", "model": null,
    "language": null, "key": null}`, then little-endian mono PCM as binary messages, then
    `{"type": "finish"}`. It gets JSON events: ready, speech, partial, final, segment, language,
    endpoint, ended, or error.
    """
    check_origin(socket, service.settings.server.cors_origins)
    await socket.accept()
    try:
        await _serve(socket, service)
    except WebSocketDisconnect:
        return
    except EclectusError as error:
        service.telemetry.errors.labels(code_of(error)).inc()
        await _refuse(socket, error)


async def _serve(socket: WebSocket, service: SpeechService) -> None:
    start = await _started(socket)
    # A page can't send headers with a WebSocket, so the key comes in the first message.
    client = admit(_with_key(socket, start.key), service.settings.server.api_keys)
    model = resolve_model(start.model, service)
    request = StreamRequest(
        protocol="web",
        model=model,
        client=client,
        language=start.language,
        sample_rate=start.sample_rate,
        stall_flush_s=service.settings.server.stall_flush_s,
    )
    async with service.model(model) as served, service.stream(request) as stream:
        await socket.send_json({"type": "ready", "model": model})
        listening = asyncio.create_task(_listen(socket, stream, start.format))
        try:
            await _tell(socket, stream, _Language(served, start.language))
        finally:
            listening.cancel()
            done = await asyncio.gather(listening, return_exceptions=True)
    if isinstance(done[0], Exception):
        raise done[0]
    await socket.close()


async def _started(socket: WebSocket) -> StartShape:
    try:
        async with asyncio.timeout(_START_S):
            return StartShape.model_validate_json(await socket.receive_text())
    except (ValidationError, KeyError) as error:
        raise HttpError(400, 'the first message is {"type": "start", …}') from error
    except TimeoutError as error:
        raise HttpError(408, "no first message has come") from error


def _with_key(socket: WebSocket, key: str | None) -> HTTPConnection:
    if key is None:
        return socket
    header = (b"authorization", b"Bearer " + key.encode())
    return HTTPConnection({**socket.scope, "headers": [header, *socket.scope["headers"]]})


async def _listen(socket: WebSocket, stream: LiveStream, form: str) -> None:
    """Pass audio on until the page has finished or left."""
    rest = b""
    size = 2 if form == "s16" else 4
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", 1005))
            if message.get("bytes") is not None:
                data = rest + message["bytes"]
                whole = len(data) - len(data) % size
                rest = data[whole:]
                await stream.push(_samples(data[:whole], form))
            elif _kind(message["text"]) == "finish":
                return
    finally:
        await stream.finish()


def _samples(data: bytes, form: str) -> FloatArray:
    """Return (n,) samples in [-1, 1]."""
    if form == "f32":
        return np.frombuffer(data, "<f4").astype(np.float32)
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32_768)


def _kind(text: str) -> object:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise HttpError(400, "a text message is a JSON object") from error
    return message.get("type") if isinstance(message, dict) else None


class _Language:
    """Tells the language of what was said so far, when it's known or changes."""

    def __init__(self, served: Served, hint: str | None) -> None:
        self._served = served
        self._hint = hint
        self._segments: list[Segment] = []
        self._told: str | None = None

    async def after(self, segment: Segment) -> dict[str, Any] | None:
        """Return an event if there is news. The last few segments count: speakers may change."""
        self._segments = [*self._segments[-4:], segment]
        config = self._served.model.config
        found = await asyncio.to_thread(language_of, self._segments, config, self._hint)
        if found is None or found == self._told:
            return None
        self._told = found
        return {"type": "language", "language": found}


async def _tell(socket: WebSocket, stream: LiveStream, language: _Language) -> None:
    """Send events until the stream has ended."""
    async for event in stream.events():
        fields = event_fields(event)
        if fields is not None:
            await _send(socket, fields)
        if isinstance(event, SegmentDone):
            news = await language.after(event.segment)
            if news is not None:
                await _send(socket, news)


async def _send(socket: WebSocket, fields: dict[str, Any]) -> None:
    await socket.send_text(json.dumps(fields, ensure_ascii=False))


async def _refuse(socket: WebSocket, error: EclectusError) -> None:
    try:
        await _send(socket, error_fields(error))
        await socket.close(meaning_of(error).close, message_of(error)[:120])
    except (WebSocketDisconnect, RuntimeError):
        return  # the page has gone; nobody is left to be told
