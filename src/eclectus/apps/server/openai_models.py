"""OpenAI's list of models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from eclectus.apps.server.context import Client, Service
from eclectus.core.errors import UnknownModelError
from eclectus.service.service import SpeechService

router = APIRouter(prefix="/v1/models", tags=["OpenAI"])

ALIASES = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
)
"""Names of OpenAI's own models, which mean the default model here."""


def resolve_model(name: str | None, service: SpeechService) -> str:
    """Return the served model that a client means.

    Raises:
        UnknownModelError: There is none of this name.
    """
    if not name or name in ALIASES:
        return service.pool.default
    if name in service.pool.names:
        return name
    short = {one.rpartition("/")[2]: one for one in service.pool.names}
    if name.rpartition("/")[2] in short:
        return short[name.rpartition("/")[2]]
    known = ", ".join(service.pool.names)
    raise UnknownModelError(f"there is no model {name!r} here; there are: {known}", model=name)


def _entry(name: str, service: SpeechService) -> dict[str, Any]:
    """OpenAI's fields, and one of our own: whether the model is there for demonstration only."""
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "eclectus",
        "demonstration": service.pool.is_demonstration(name),
    }


@router.get("", summary="The models of this server")
async def list_models(service: Service, _: Client) -> dict[str, Any]:
    """The default model first."""
    return {"object": "list", "data": [_entry(name, service) for name in service.pool.names]}


@router.get("/{name:path}", summary="One model")
async def retrieve_model(name: str, service: Service, _: Client) -> dict[str, Any]:
    """A model by its id, which may hold slashes."""
    return _entry(resolve_model(name, service), service)
