"""Servers for `benchmarks.load`: eclectus as it is, and one as simple servers are.

    python -m benchmarks.load_server eclectus --port 9001 --threads 2
    python -m benchmarks.load_server one-lock --port 9002 --threads 2

Both have `/load/live` (int16 at 16 kHz in; `{"text", "is_final"}` out; `stop` ends the stream) and
`/v1/audio/transcriptions`. The second takes one lock around each recognition, of a file or of a
live block, and does nothing else to share the model: no batches, nobody goes first.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import uvicorn
from fastapi import APIRouter, FastAPI, File, UploadFile, WebSocket

import eclectus
from eclectus.apps.server.common.binding import bind
from eclectus.apps.server.common.dependencies import Service
from eclectus.apps.server.run import make_server
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.core.options import BackendOptions
from eclectus.core.types import FloatArray
from eclectus.service.live import LiveStream
from eclectus.service.service import StreamRequest
from eclectus.streaming.events import Endpoint, Final, Partial

LIVE = "/load/live"
FILES = "/v1/audio/transcriptions"


class Told:
    """Makes messages of events."""

    def __init__(self) -> None:
        self._words: list[str] = []

    def messages(self, events: Iterable[object]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for event in events:
            if isinstance(event, Final):
                self._words += [word.text for word in event.words]
            elif isinstance(event, Partial):
                draft = [*self._words, *(word.text for word in event.words)]
                found.append({"text": " ".join(draft), "is_final": False})
            elif isinstance(event, Endpoint):
                found.append({"text": " ".join(self._words), "is_final": True})
                self._words = []
        return found


async def blocks(socket: WebSocket) -> AsyncIterator[FloatArray]:
    """Yield what the client says until it stops or goes."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect" or message.get("text") == "stop":
            return
        samples = np.frombuffer(message["bytes"], "<i2")
        yield np.divide(samples, 32768, dtype=np.float32)


def shared() -> APIRouter:
    """The live route around the service."""
    router = APIRouter()

    @router.websocket(LIVE)
    async def live(socket: WebSocket, service: Service) -> None:
        await socket.accept()
        async with service.stream(StreamRequest(protocol="load")) as stream:
            reading = asyncio.create_task(_read(socket, stream))
            told = Told()
            async for event in stream.events():
                for message in told.messages([event]):
                    await socket.send_json(message)
            await reading
        await socket.close()

    return router


async def _read(socket: WebSocket, stream: LiveStream) -> None:
    async for samples in blocks(socket):
        await stream.push(samples)
    await stream.finish()


def one_lock(model: eclectus.Model) -> FastAPI:
    """A server in which each recognition waits for all others."""
    app, lock = FastAPI(), asyncio.Lock()

    @app.get("/readyz")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post(FILES)
    async def transcribe(file: Annotated[UploadFile, File()]) -> dict[str, str]:
        with tempfile.NamedTemporaryFile(suffix=Path(file.filename or "x.wav").suffix) as copy:
            copy.write(await file.read())
            copy.flush()
            async with lock:
                transcript = await asyncio.to_thread(model.transcribe, copy.name)
        return {"text": transcript.text}

    @app.websocket(LIVE)
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        session, told = model.stream(), Told()
        async for samples in blocks(socket):
            async with lock:
                events = await asyncio.to_thread(session.push, samples)
            for message in told.messages(events):
                await socket.send_json(message)
        async with lock:
            events = await asyncio.to_thread(session.finish)
        for message in told.messages(events):
            await socket.send_json(message)
        await socket.close()

    return app


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("kind", choices=["eclectus", "one-lock"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    settings = Settings(
        model=given.model,
        backend=BackendOptions(threads=given.threads),
        server=ServerOptions(port=given.port, max_sessions=1000, max_files=1000),
    )
    with bind("127.0.0.1", given.port) as listening:
        if given.kind == "one-lock":
            with eclectus.load(given.model, threads=given.threads) as model:
                model.transcribe(np.zeros(16_000, np.float32))
                config = uvicorn.Config(one_lock(model), log_level="warning", access_log=False)
                uvicorn.Server(config).run([listening])
            return
        server = make_server(settings)
        assert isinstance(server.config.app, FastAPI)
        server.config.app.include_router(shared())
        routes = server.config.app.router.routes
        routes.insert(0, routes.pop())  # before the route that takes all paths
        asyncio.run(server.run_service([listening]))


if __name__ == "__main__":
    main()
