"""Puts the server together."""

from __future__ import annotations

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketState

from eclectus._version import __version__
from eclectus.apps.server import (
    deepgram_files,
    deepgram_ws,
    ears_ws,
    health,
    native_files,
    openai_files,
    openai_models,
    pcm_ws,
    realtime_ws,
    web,
    whisper_cpp,
)
from eclectus.apps.server.errors import DETAIL_PATHS, HttpError, code_of, error_response
from eclectus.apps.server.limits import BodyLimit, Observer
from eclectus.apps.server.live_socket import close_for, refuse
from eclectus.core.errors import EclectusError
from eclectus.service.service import SpeechService

ROUTERS = (
    health.router,
    web.router,
    openai_files.router,
    openai_models.router,
    native_files.router,
    whisper_cpp.router,
    deepgram_files.router,
    realtime_ws.router,
    deepgram_ws.router,
    pcm_ws.router,
    ears_ws.router,  # the last: it takes every WebSocket path that nothing else claims
)


def create_app(service: SpeechService) -> FastAPI:
    """Return the ASGI application of a service, which its caller starts and closes."""
    app = FastAPI(
        title="eclectus",
        version=__version__,
        summary="Speech recognition with Parakeet models.",
    )
    app.state.service = service
    for router in ROUTERS:
        app.include_router(router)
    _install_errors(app, service)
    server = service.settings.server
    app.add_middleware(BodyLimit, limit_mb=server.max_upload_mb, stall_s=server.upload_stall_s)
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


def _install_errors(app: FastAPI, service: SpeechService) -> None:
    """Answer every error in the form of the route's protocol."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        service.telemetry.errors.labels(code_of(error)).inc()
        return error_response(request, error)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        kind = "not_found_error" if error.status_code == 404 else "invalid_request_error"
        found = HttpError(error.status_code, str(error.detail), kind=kind)
        return await ours(request, found)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        place = [str(part) for part in first["loc"][1:]]
        field = ".".join(place).removesuffix("[]") or None
        # The FastAPI services' clients know FastAPI's own status.
        status = 422 if request.url.path in DETAIL_PATHS else 400
        problem = HttpError(status, f"{field or 'request'}: {first['msg']}", param=field)
        return await ours(request, problem)

    async def on_websocket(socket: WebSocket, error: Exception) -> None:
        service.telemetry.errors.labels(code_of(error)).inc()
        if socket.application_state is WebSocketState.CONNECTING:
            await refuse(socket, error)
        else:
            await close_for(socket, error)

    async def either(connection: Request | WebSocket, error: Exception) -> JSONResponse | None:
        if isinstance(connection, WebSocket):
            await on_websocket(connection, error)
            return None
        return await ours(connection, error)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(EclectusError, either)  # type: ignore[arg-type]  # also for sockets
    app.add_exception_handler(Exception, ours)
