"""Whether the server lives, whether it is ready, and its numbers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from eclectus._version import __version__
from eclectus.apps.server.common.dependencies import Service
from eclectus.apps.server.common.wire import Wire

open_router = APIRouter(tags=["health"])
router = APIRouter(tags=["health"])


@open_router.get("/healthz", summary="The process lives")
@open_router.get("/health", summary="The process lives")
async def health() -> dict[str, str]:
    """Always the same answer, at once."""
    return {"status": "ok"}


@open_router.get("/readyz", summary="The model answers")
async def ready(service: Service) -> JSONResponse:
    """200 when the default model has answered and clients are welcome, else 503."""
    if service.ready:
        return JSONResponse({"status": "ready"})
    return JSONResponse({"status": "not ready"}, 503, {"Retry-After": "1"})


@open_router.get("/metrics", summary="Numbers for Prometheus", response_class=PlainTextResponse)
async def metrics(service: Service) -> Response:
    """Prometheus' text format."""
    return Response(service.telemetry.render(), media_type="text/plain; version=0.0.4")


@router.get("/debug/cfg", summary="The settings in force")
async def settings(service: Service) -> dict[str, Any]:
    """Every setting; secrets are masked."""
    from eclectus.config.schema import schema
    from eclectus.config.settings import LoadedSettings

    loaded = LoadedSettings(service.settings, {})
    return {"version": __version__, **{key: loaded.shown(key) for key in schema()}}


# Monitors have no keys.
HEALTH = Wire(name="health", routes=(router,), open_routes=(open_router,))
