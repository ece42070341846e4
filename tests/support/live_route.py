"""A server with one plain WebSocket of its own, for tests of the life of the process.

Dialect: binary messages are int16 samples, mono, 16 kHz; answers are `{"text", "is_final"}`, true
when an utterance ended; the text message `stop` ends the stream.

    python -m tests.support.live_route [FLAGS OF eclectus serve]
"""

from __future__ import annotations

import asyncio

import numpy as np
from fastapi import APIRouter, WebSocket

from eclectus.apps.cli.main import main
from eclectus.apps.server import app
from eclectus.apps.server.context import Client, Service
from eclectus.service.live import LiveStream
from eclectus.service.service import StreamRequest
from eclectus.streaming.events import Endpoint, Final, Partial

PATH = "/test/live"
router = APIRouter()


@router.websocket(PATH)
async def live(socket: WebSocket, service: Service, client: Client) -> None:
    async with service.stream(StreamRequest(protocol="test", client=client)) as stream:
        await socket.accept()
        reading = asyncio.create_task(_read(socket, stream))
        try:
            await _write(socket, stream)
            await socket.close()
        finally:
            reading.cancel()


async def _read(socket: WebSocket, stream: LiveStream) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect" or message.get("text") == "stop":
            await stream.finish()
            return
        data = message.get("bytes") or b""
        await stream.push(np.divide(np.frombuffer(data, "<i2"), 32768, dtype=np.float32))


async def _write(socket: WebSocket, stream: LiveStream) -> None:
    words: list[str] = []
    async for event in stream.events():
        if isinstance(event, Final):
            words += [word.text for word in event.words]
        elif isinstance(event, Partial):
            draft = " ".join([*words, *(word.text for word in event.words)])
            await socket.send_json({"text": draft, "is_final": False})
        elif isinstance(event, Endpoint):
            await socket.send_json({"text": " ".join(words), "is_final": True})
            words = []


if __name__ == "__main__":
    app.ROUTERS = (router, *app.ROUTERS)  # type: ignore[assignment]  # before what takes all
    main()
