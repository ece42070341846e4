"""OpenAI's list of models."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from eclectus.apps.server.common.dependencies import Service
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.service.service import SpeechService

router = APIRouter(prefix="/v1/models", tags=["OpenAI"])


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
async def list_models(service: Service) -> dict[str, Any]:
    """The default model first."""
    return {"object": "list", "data": [_entry(name, service) for name in service.pool.names]}


@router.get("/{name:path}", summary="One model")
async def retrieve_model(name: str, service: Service) -> dict[str, Any]:
    """A model by its id, which may hold slashes."""
    return _entry(resolve_model(name, service), service)
