"""Puts the server together."""

from __future__ import annotations

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from eclectus._version import __version__
from eclectus.apps.server import health, openai_files, openai_models, web
from eclectus.apps.server.errors import HttpError, code_of, error_response, meaning_of, message_of
from eclectus.apps.server.limits import BodyLimit, Observer
from eclectus.core.errors import EclectusError
from eclectus.service.service import SpeechService

ROUTERS = (health.router, openai_files.router, openai_models.router, web.router)


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
    app.add_middleware(BodyLimit, limit_mb=server.max_upload_mb)
    if server.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(server.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["x-request-id", "retry-after"],
        )
    app.add_middleware(Observer, telemetry=service.telemetry)
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
        status = 400 if request.url.path.startswith("/v1") else 422
        problem = HttpError(status, f"{field or 'request'}: {first['msg']}", param=field)
        return await ours(request, problem)

    async def on_websocket(socket: WebSocket, error: Exception) -> None:
        service.telemetry.errors.labels(code_of(error)).inc()
        await socket.close(meaning_of(error).close, message_of(error)[:120])

    async def either(connection: Request | WebSocket, error: Exception) -> JSONResponse | None:
        if isinstance(connection, WebSocket):
            await on_websocket(connection, error)
            return None
        return await ours(connection, error)

    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(EclectusError, either)  # type: ignore[arg-type]  # also for sockets
    app.add_exception_handler(Exception, ours)
