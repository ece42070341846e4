"""What every handler needs, as FastAPI dependencies."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from eclectus.apps.server.common.auth import admit, check_origin
from eclectus.service.service import SpeechService


def get_service(connection: HTTPConnection) -> SpeechService:
    """Return the process's service."""
    return cast("SpeechService", connection.app.state.service)


def get_client(connection: HTTPConnection) -> str:
    """Return who the client is; 401 if it may not come in."""
    return admit(connection, get_service(connection).settings.server.api_keys)


def require_origin(connection: HTTPConnection) -> None:
    """Refuse pages of sites that are not allowed."""
    check_origin(connection, get_service(connection).settings.server.cors_origins)


Service = Annotated[SpeechService, Depends(get_service)]
Client = Annotated[str, Depends(get_client)]
