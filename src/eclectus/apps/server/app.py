"""Puts the server together."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Lifespan, Scope

from eclectus._version import __version__
from eclectus.apps.server.common.host_guard import HostGuard
from eclectus.apps.server.common.http_middleware import BodyLimit, Observer
from eclectus.apps.server.common.wire import Wire, Wires
from eclectus.apps.server.common.wire_errors import HttpError, count_error, error_response
from eclectus.apps.server.deepgram.deepgram_wire import DEEPGRAM
from eclectus.apps.server.ears.ears_wire import EARS
from eclectus.apps.server.fastapi_services.fastapi_services_wire import FASTAPI_SERVICES
from eclectus.apps.server.health import HEALTH
from eclectus.apps.server.openai.openai_wire import OPENAI
from eclectus.apps.server.page.page_wire import PAGE
from eclectus.apps.server.whisper_cpp.whisper_cpp_wire import WHISPER_CPP
from eclectus.core.errors import EclectusError
from eclectus.service.service import SpeechService

WIRES: tuple[Wire, ...] = (HEALTH, PAGE, OPENAI, FASTAPI_SERVICES, WHISPER_CPP, DEEPGRAM, EARS)
"""In the order of the list of requests; it means nothing else. Wyoming has a port of its own."""


def create_app(service: SpeechService, lifespan: Lifespan[FastAPI] | None = None) -> FastAPI:
    """Return the ASGI application of a service.

    Args:
        service: What it serves.
        lifespan: Starts and closes the service; None where the caller does.
    """
    app = FastAPI(
        title="eclectus",
        version=__version__,
        summary="Speech recognition with Parakeet models.",
        lifespan=lifespan,
    )
    app.state.service = service
    wires = Wires(WIRES)
    wires.install(app)

    def refuse(scope: Scope, error: Exception) -> JSONResponse:
        """Answer with an error as the wire of a request writes it, and count it."""
        count_error(service, error)
        return error_response(error, wires.of(scope).error_body(error))

    _install_errors(app, wires, refuse)
    server = service.settings.server
    app.add_middleware(
        BodyLimit, refuse=refuse, limit_mb=server.max_upload_mb, stall_s=server.upload_stall_s
    )
    app.add_middleware(HostGuard, allowed=server.allowed_hosts, refuse=refuse)
    if server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(server.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after"],
        )
    app.add_middleware(Observer, telemetry=service.telemetry, tracer=service.tracer)
    return app


def _install_errors(
    app: FastAPI, wires: Wires, refuse: Callable[[Scope, Exception], JSONResponse]
) -> None:
    """Answer every error in the form of its wire."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        return refuse(request.scope, error)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        kind = "not_found_error" if error.status_code == 404 else "invalid_request_error"
        return refuse(request.scope, HttpError(error.status_code, str(error.detail), kind=kind))

    async def gone(request: Request, error: Exception) -> JSONResponse:
        problem = HttpError(499, "the client has hung up", code="client_closed_request")
        problem.__cause__ = error
        return refuse(request.scope, problem)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = [str(part) for part in first["loc"][1:]]
        field = ".".join(place).removesuffix("[]") or None
        status = wires.of(request.scope).invalid_status
        problem = HttpError(status, f"{field or 'request'}: {first['msg']}", param=field)
        return refuse(request.scope, problem)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(EclectusError, ours)
    app.add_exception_handler(Exception, ours)
