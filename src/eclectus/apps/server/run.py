"""Runs the server: binds, tells where it listens, ends in good order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from eclectus.apps.server.app import create_app
from eclectus.apps.server.life import SIGNALS, alive
from eclectus.config.schema import Settings
from eclectus.service.logs import is_news
from eclectus.service.service import SpeechService

_LARGEST_MESSAGE = 64 * 1024 * 1024


class Server(uvicorn.Server):
    """uvicorn with the life of a service.

    It listens at once and is ready when the model has answered. At SIGTERM or Ctrl-C nobody is let
    in any more, live streams and files end, and then the sockets are closed.
    """

    def __init__(self, config: uvicorn.Config, service: SpeechService) -> None:
        super().__init__(config)
        self.service = service
        self.wyoming_port: int | None = None
        """Where Wyoming is spoken, once it is."""

    async def run_service(self, sockets: list[socket.socket]) -> None:
        """Serve from the first load of the model to the end.

        Raises:
            EclectusError: The model can't be loaded.
        """
        async with alive(self.service, self._end) as self.wyoming_port:
            await self.serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is under way end, then close."""
        self.service.stop_admitting()
        draining = asyncio.create_task(self.service.drain(self.service.settings.server.grace_s))
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order at a signal; unlike uvicorn's own, without raising it again."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self) -> None:
        self.should_exit = True


def make_server(settings: Settings, *, service: SpeechService | None = None) -> Server:
    """Return a server that is ready to run.

    Args:
        settings: All of the process's.
        service: What it serves; None for one by the settings.
    """
    service = service or SpeechService(settings)
    server = settings.server
    logging.getLogger("uvicorn.error").addFilter(is_news)
    config = uvicorn.Config(
        create_app(service),
        host=server.host,
        port=server.port,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws_max_size=_LARGEST_MESSAGE,
        ws_per_message_deflate=False,
        # A pong comes behind all audio that a client has sent ahead of a slow model.
        ws_ping_timeout=300,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    return Server(config, service)


def serve(service: SpeechService, listening: socket.socket) -> None:
    """Serve until told to end, then close the socket.

    Args:
        service: What is served; it is started and closed here.
        listening: Where, from `bind`.

    Raises:
        OptionError: The address of Wyoming is taken or not this machine's.
        EclectusError: The model can't be loaded.
    """
    with listening:
        server = make_server(service.settings, service=service)
        asyncio.run(server.run_service([listening]))
