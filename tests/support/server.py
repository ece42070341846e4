"""Real servers for tests: in a thread of the tests' process, each on a port of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from eclectus.apps.server.common.binding import bind
from eclectus.apps.server.run import Server, make_server
from eclectus.config.schema import Settings
from eclectus.service.service import SpeechService

PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers.

    Attributes:
        url: Its base address for HTTP, without a slash at the end.
        server: The server itself, to look into.
        loop: Its event loop, in another thread.
    """

    url: str
    server: Server
    loop: asyncio.AbstractEventLoop

    @property
    def ws(self) -> str:
        """Its base address for WebSockets, without a slash at the end."""
        return "ws" + self.url.removeprefix("http")

    @property
    def service(self) -> SpeechService:
        """Its service."""
        return self.server.service

    def tasks(self) -> int:
        """Return how many tasks its loop has."""

        async def count() -> int:
            return len(asyncio.all_tasks())

        return asyncio.run_coroutine_threadsafe(count(), self.loop).result(PATIENCE_S)


@contextmanager
def watched(server: Settings | Server | None = None, *, ready: bool = True) -> Iterator[Running]:
    """Run a server on a free port.

    Args:
        server: It, or its settings; None for the defaults.
        ready: Whether to wait until the model answers.
    """
    if not isinstance(server, Server):
        server = make_server(server or Settings())
    loop = asyncio.new_event_loop()
    problems: list[BaseException] = []
    with bind("127.0.0.1", 0) as listening:

        def work() -> None:
            try:
                loop.run_until_complete(server.run_service([listening]))
            except BaseException as problem:  # noqa: BLE001 - carried to the test's own thread
                problems.append(problem)
            finally:
                loop.close()

        thread = threading.Thread(target=work, name="server", daemon=True)
        thread.start()
        try:
            if ready:
                _wait(server, thread)
            yield Running(f"http://127.0.0.1:{listening.getsockname()[1]}", server, loop)
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
    assert not thread.is_alive(), "the server does not end"
    if problems:
        raise problems[0]


@contextmanager
def running(settings: Settings | None = None) -> Iterator[tuple[str, Server]]:
    """As `watched`, for the base URL and the server."""
    with watched(settings) as found:
        yield found.url, found.server


@contextmanager
def running_server(settings: Settings | None = None) -> Iterator[str]:
    """As `watched`, for the base URL alone."""
    with watched(settings) as found:
        yield found.url


def _wait(server: Server, thread: threading.Thread) -> None:
    end = time.monotonic() + PATIENCE_S
    while not (server.started and server.service.ready):
        assert thread.is_alive(), "the server ended before it was ready"
        assert time.monotonic() < end, "the server does not become ready"
        time.sleep(0.01)
