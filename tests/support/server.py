"""A real server in a thread of the tests' process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from eclectus.apps.server.run import Server, bind, make_server
from eclectus.service.schema import Settings

_PATIENCE_S = 120.0


@contextmanager
def running(settings: Settings | None = None) -> Iterator[tuple[str, Server]]:
    """Run a server on a free port.

    Yields:
        Its base URL, without a slash at the end, and the server itself; the model answers.
    """
    server = make_server(settings or Settings())
    with bind("127.0.0.1", 0) as listening:
        problems: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(server.run_service([listening]))
            except BaseException as problem:  # noqa: BLE001 - carried to the test's own thread
                problems.append(problem)

        thread = threading.Thread(target=work, name="server", daemon=True)
        thread.start()
        try:
            _wait(server, thread)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", server
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_S)
    assert not thread.is_alive(), "the server does not end"
    if problems:
        raise problems[0]


@contextmanager
def running_server(settings: Settings | None = None) -> Iterator[str]:
    """Run a server on a free port and yield its base URL."""
    with running(settings) as (url, _):
        yield url


def _wait(server: Server, thread: threading.Thread) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not (server.started and server.service.ready):
        assert thread.is_alive(), "the server ended before it was ready"
        assert time.monotonic() < end, "the server does not become ready"
        time.sleep(0.01)
