"""A server that runs in a thread of the test's process, on a port of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import httpx

from eclectus.apps.server.run import Server, bind, make_server
from eclectus.service.schema import Settings
from eclectus.service.service import SpeechService

_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Attributes:
        port: Where.
        server: The server itself, to look into.
    """

    port: int
    server: Server

    @property
    def service(self) -> SpeechService:
        """The server's service."""
        return self.server.service

    @property
    def url(self) -> str:
        """The address of HTTP, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """The address of WebSockets, without a slash at the end."""
        return f"ws://127.0.0.1:{self.port}"


@contextmanager
def running_server(settings: Settings | None = None) -> Iterator[Running]:
    """Run a server until the context ends."""
    settings = settings or Settings()
    listening = bind("127.0.0.1", 0)
    port = listening.getsockname()[1]
    settings = replace(settings, server=replace(settings.server, port=port))
    server = make_server(settings)
    thread = threading.Thread(target=lambda: asyncio.run(server.run_service([listening])))
    thread.start()
    try:
        _wait_ready(port)
        yield Running(port, server)
    finally:
        server.should_exit = True
        thread.join(_PATIENCE_S)
        listening.close()
        assert not thread.is_alive()


def _wait_ready(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not get ready")
