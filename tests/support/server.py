"""A real server in a thread, on a port of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx

from eclectus.apps.server.run import Server, bind, make_server
from eclectus.service.schema import Settings
from eclectus.service.service import SpeechService

_START_S = 60.0


@dataclass(frozen=True)
class Running:
    """A server that answers.

    Attributes:
        url: Its base address, `http://127.0.0.1:PORT`.
        server: To look into.
        loop: Its event loop, in another thread.
    """

    url: str
    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def ws(self) -> str:
        """Its base address for WebSockets."""
        return "ws" + self.url.removeprefix("http")

    @property
    def service(self) -> SpeechService:
        """Its service."""
        return self.server.service

    def tasks(self) -> int:
        """How many tasks its loop has."""

        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self.loop).result(10)


@contextmanager
def running(settings: Settings) -> Iterator[Running]:
    """Run a server while the context lasts; it is ready when the context begins."""
    settings = replace(settings, server=replace(settings.server, port=1))
    listening: socket.socket = bind("127.0.0.1", 0)
    server = make_server(settings)
    loop = asyncio.new_event_loop()
    failed: list[BaseException] = []

    def serve() -> None:
        try:
            loop.run_until_complete(server.run_service([listening]))
        except BaseException as error:  # noqa: BLE001 - told to the test
            failed.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=serve, name="server", daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        _wait(url, failed)
        yield Running(url, server, loop)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()
    if failed:
        raise failed[0]


@contextmanager
def running_server(settings: Settings) -> Iterator[str]:
    """Run a server while the context lasts and give its base address."""
    with running(settings) as server:
        yield server.url


def _wait(url: str, failed: list[BaseException]) -> None:
    transport = httpx.HTTPTransport(retries=5)
    with httpx.Client(transport=transport, timeout=_START_S) as client:
        for _ in range(int(_START_S / 0.05)):
            if failed:
                raise failed[0]
            if client.get(f"{url}/readyz").status_code == 200:
                return
            threading.Event().wait(0.05)
    raise TimeoutError("the server did not become ready")
