"""The application for a program that runs ASGI applications itself.

uvicorn --factory eclectus.apps.server.factory:make_app
"""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from eclectus.apps.server.app import create_app
from eclectus.apps.server.life import alive, drain_at_signals
from eclectus.config.settings import load_settings
from eclectus.service.decode_box import hide
from eclectus.service.logs import is_news, log_as_json
from eclectus.service.service import SpeechService

LOG = logging.getLogger(__name__)


def make_app() -> FastAPI:
    """Return the application by the settings of the environment and of the file of settings.

    Its lifespan does what `eclectus serve` does: the model loads while the server listens already,
    and at a signal streams and files end first. What the program around decides is its own: the
    address, the port and the limits of connections.
    """
    settings = load_settings().settings
    log_as_json(settings.logging.level)
    hide()
    logging.getLogger("uvicorn.error").addFilter(is_news)
    service = SpeechService(settings)
    service.preload()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with drain_at_signals(service):
            async with alive(service, _end):
                yield

    return create_app(service, lifespan)


def _end() -> None:
    """End the program as a signal would: without its model it is of no use."""
    LOG.error("the model can't be loaded: the server ends")
    signal.raise_signal(signal.SIGTERM)
