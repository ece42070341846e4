"""OpenAI's `/v1/audio/transcriptions` and `/v1/audio/translations`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, File, Form, Response, UploadFile

from eclectus.apps.server.context import Client, Service
from eclectus.apps.server.errors import HttpError
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.openai_shapes import Granularity, body_of_format
from eclectus.service.service import FileRequest

router = APIRouter(prefix="/v1/audio", tags=["OpenAI"])


class ResponseFormat(StrEnum):
    """OpenAI's response formats."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VERBOSE_JSON = "verbose_json"
    VTT = "vtt"
    DIARIZED_JSON = "diarized_json"


@router.post("/transcriptions", summary="Transcribe a file")
async def transcriptions(
    *,
    service: Service,
    client: Client,
    file: Annotated[UploadFile, File(description="Audio or video of any common kind.")],
    model: Annotated[str | None, Form()] = None,
    language: Annotated[str | None, Form()] = None,
    response_format: Annotated[ResponseFormat, Form()] = ResponseFormat.JSON,
    granularities: Annotated[
        list[Granularity] | None, Form(alias="timestamp_granularities[]")
    ] = None,
) -> Response:
    """Answer as OpenAI does, in the format that is asked for."""
    if response_format is ResponseFormat.DIARIZED_JSON:
        raise HttpError(
            400, "speakers are not told apart here; ask for verbose_json", param="response_format"
        )
    request = FileRequest(
        source=file.file,
        model=resolve_model(model, service),
        client=client,
        options=service.transcribe_options(language),
    )
    transcript = await service.transcribe(request)
    return body_of_format(transcript, response_format.value, tuple(granularities or ()), service)


@router.post("/translations", summary="Not possible with Parakeet models")
async def translations(_: Client) -> Response:
    """Parakeet models write the language that is spoken."""
    raise HttpError(
        400,
        "Parakeet models can't translate; use /v1/audio/transcriptions",
        param="model",
        code="unsupported_model",
    )
