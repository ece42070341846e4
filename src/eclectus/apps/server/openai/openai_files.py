"""OpenAI's `/v1/audio/transcriptions` and `/v1/audio/translations`."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from eclectus.apps.server.common.dependencies import Client, Service
from eclectus.apps.server.common.file_tasks import transcribed, while_connected
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.native_shape import native
from eclectus.apps.server.common.uploads import form_body, read_form
from eclectus.apps.server.common.whisper_shapes import ResponseFormat
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.apps.server.openai.openai_form import TranscriptionForm
from eclectus.apps.server.openai.openai_shapes import body_of_format, logprobs, plain
from eclectus.apps.server.openai.openai_stream import open_events
from eclectus.core.types import Transcript
from eclectus.service.service import FileRequest, SpeechService

router = APIRouter(prefix="/v1/audio", tags=["OpenAI"])


_EXAMPLES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The transcript, in the format that was asked for.",
        "content": {
            "application/json": {
                "example": {
                    "text": "A little garden.",
                    "usage": {"type": "duration", "seconds": 2},
                    "languages": [{"code": "en"}],
                }
            },
            "text/plain": {"example": "1\n00:00:00,240 --> 00:00:01,360\nA little garden.\n"},
            "text/vtt": {"example": "WEBVTT\n\n00:00.240 --> 00:01.360\nA little garden.\n"},
            "text/event-stream": {
                "example": 'data: {"type": "transcript.text.delta", "delta": "A little"}\n\n'
            },
        },
    }
}


@router.post(
    "/transcriptions",
    summary="Transcribe a file",
    openapi_extra=form_body(TranscriptionForm),
    responses=_EXAMPLES,
)
async def transcriptions(request: Request, service: Service, client: Client) -> Response:
    """Answer as OpenAI does, in the format that is asked for."""
    async with AsyncExitStack() as stack:
        form = await read_form(request)
        stack.push_async_callback(form.close)
        source, asked = form.file, TranscriptionForm.of(form)
        if asked.response_format is ResponseFormat.DIARIZED_JSON:
            raise HttpError(
                400,
                "speakers are not told apart here; ask for verbose_json",
                param="response_format",
            )
        work = FileRequest(
            source=source,
            model=resolve_model(asked.model, service),
            client=client,
            options=asked.options(service),
        )
        if asked.stream:
            return await while_connected(request, open_events(service, work, asked, stack))
        transcript = await transcribed(request, service, work)
        return _answer(transcript, asked, service)


def _answer(transcript: Transcript, asked: TranscriptionForm, service: SpeechService) -> Response:
    if asked.native:
        return JSONResponse(native(transcript, timestamps=bool(asked.include_timestamps)))
    wanted = asked.response_format or ResponseFormat.JSON
    if wanted is ResponseFormat.JSON and asked.logprobs:
        return JSONResponse(plain(transcript) | {"logprobs": logprobs(transcript.words)})
    return body_of_format(transcript, wanted, asked.granularities, service)


@router.post("/translations", summary="Not possible with Parakeet models")
async def translations() -> Response:
    """Parakeet models write the language that is spoken."""
    raise HttpError(
        400,
        "Parakeet models can't translate; use /v1/audio/transcriptions",
        param="model",
        code="unsupported_model",
    )
