"""A real server on a free port, in a thread of this process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from eclectus.apps.server.run import Server, bind, make_server
from eclectus.service.schema import Settings

_PATIENCE_S = 60.0


@contextmanager
def running_server(settings: Settings) -> Iterator[str]:
    """Serve until the context ends; give the base URL when the server is ready."""
    server = make_server(settings)
    with bind("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread = threading.Thread(
            target=lambda: asyncio.run(server.run_service([listening])), name="server", daemon=True
        )
        thread.start()
        try:
            _wait_until_ready(url, thread)
            yield url
        finally:
            _end(server, thread)


def _wait_until_ready(url: str, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(round(_PATIENCE_S / 0.05)):
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert thread.is_alive(), "the server ended before it was ready"
        pause.wait(0.05)
    raise AssertionError("the server did not become ready")


def _end(server: Server, thread: threading.Thread) -> None:
    server.should_exit = True
    thread.join(_PATIENCE_S)
    assert not thread.is_alive(), "the server did not end"
