"""What every handler needs, as FastAPI dependencies."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from eclectus.apps.server.auth import admit, check_origin
from eclectus.service.service import SpeechService


def get_service(connection: HTTPConnection) -> SpeechService:
    """Return the process's service."""
    return cast("SpeechService", connection.app.state.service)


def get_client(connection: HTTPConnection) -> str:
    """Return who the client is; 401 if it may not come in."""
    return admit(connection, get_service(connection).settings.server.api_keys)


def get_page_client(connection: HTTPConnection) -> str:
    """As `get_client`, for WebSockets that strange pages may not open."""
    check_origin(connection, get_service(connection).settings.server.cors_origins)
    return get_client(connection)


Service = Annotated[SpeechService, Depends(get_service)]
Client = Annotated[str, Depends(get_client)]
PageClient = Annotated[str, Depends(get_page_client)]
