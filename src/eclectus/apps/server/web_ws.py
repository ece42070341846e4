"""The live stream of the web page: `/web/live`."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect

from eclectus.apps.server.auth import admit, check_origin
from eclectus.apps.server.context import Service
from eclectus.apps.server.errors import HttpError, code_of, meaning_of, message_of
from eclectus.apps.server.live_socket import messages
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.samples import Encoding, SampleReader
from eclectus.apps.server.web_shapes import StartShape, error_fields, event_fields
from eclectus.core.errors import EclectusError
from eclectus.service.live import LiveStream
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
    async with service.stream(request) as stream:
        await socket.send_json({"type": "ready", "model": model})
        listening = asyncio.create_task(_listen(socket, stream, start.format))
        try:
            await _tell(socket, stream)
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
    reader = SampleReader(Encoding.PCM16 if form == "s16" else Encoding.FLOAT32)
    try:
        async for message in messages(socket):
            if isinstance(message, bytes):
                await stream.push(reader.read_mono(message))
            elif _kind(message) == "finish":
                return
    finally:
        await stream.finish()


def _kind(text: str) -> object:
    try:
        message = json.loads(text)
    except ValueError as error:
        raise HttpError(400, "a text message is a JSON object") from error
    return message.get("type") if isinstance(message, dict) else None


async def _tell(socket: WebSocket, stream: LiveStream) -> None:
    """Send events until the stream has ended, and the language when it is known or changes."""
    told: str | None = None
    async for event in stream.events():
        fields = event_fields(event)
        if fields is not None:
            await _send(socket, fields)
        if isinstance(event, SegmentDone) and event.segment.language not in (None, told):
            told = event.segment.language
            await _send(socket, {"type": "language", "language": told})


async def _send(socket: WebSocket, fields: dict[str, Any]) -> None:
    await socket.send_text(json.dumps(fields, ensure_ascii=False))


async def _refuse(socket: WebSocket, error: EclectusError) -> None:
    try:
        await _send(socket, error_fields(error))
        await socket.close(meaning_of(error).close, message_of(error)[:120])
    except (WebSocketDisconnect, RuntimeError):
        return  # the page has gone; nobody is left to be told
