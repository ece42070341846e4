"""The life of a service: it loads while the server listens already, and ends in good order."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

from eclectus.apps.server.common.binding import bind
from eclectus.apps.server.wyoming.wyoming_server import WyomingServer
from eclectus.service.service import SpeechService

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def alive(
    service: SpeechService, on_failure: Callable[[], None]
) -> AsyncIterator[int | None]:
    """Run a service for as long as the context lasts.

    Args:
        service: It is started without waiting for its model, and closed.
        on_failure: Called if the model can't be loaded; the error is raised when the context ends.

    Yields:
        The port where Wyoming is spoken; None where it is not.

    Raises:
        EclectusError: The model can't be loaded.
        OptionError: The address of Wyoming is taken or not this machine's.
    """

    def check(starting: asyncio.Task[None]) -> None:
        if not starting.cancelled() and starting.exception() is not None:
            on_failure()

    starting = asyncio.create_task(service.start())
    starting.add_done_callback(check)
    try:
        async with _wyoming(service) as port:
            yield port
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await service.close()
    if not starting.cancelled() and (problem := starting.exception()) is not None:
        raise problem


@asynccontextmanager
async def _wyoming(service: SpeechService) -> AsyncIterator[int | None]:
    """Speak Wyoming too, if that is set; it drains together with the rest."""
    settings = service.settings.server
    if settings.wyoming_port is None:
        yield None
        return
    with bind(settings.host, settings.wyoming_port) as listener:
        port: int = listener.getsockname()[1]
        async with WyomingServer(service).listening(listener):
            yield port


@contextmanager
def drain_at_signals(service: SpeechService) -> Iterator[None]:
    """Let streams and files end before the program around hears of a signal to end.

    A second signal is for the program at once. Nothing is done outside the main thread, where
    Python knows no signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in SIGNALS}
    tasks: set[asyncio.Task[None]] = set()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    async def drain(number: int) -> None:
        await service.drain(service.settings.server.grace_s)
        signal.raise_signal(number)

    def on_signal(number: int, _: FrameType | None) -> None:
        restore()
        loop.call_soon_threadsafe(lambda: tasks.add(loop.create_task(drain(number))))

    for number in SIGNALS:
        signal.signal(number, on_signal)
    try:
        yield
    finally:
        restore()
        for task in tasks:
            task.cancel()
