"""`/inference` and `/load`, as the server of whisper.cpp has them."""

from __future__ import annotations

import math
from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from eclectus.apps.server.common.dependencies import Client, Service
from eclectus.apps.server.common.file_tasks import transcribed
from eclectus.apps.server.common.language_codes import language_code
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.uploads import checked, form_body, read_form
from eclectus.apps.server.common.whisper_shapes import ResponseFormat, verbose, written
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.core.types import Transcript, Word
from eclectus.service.service import FileRequest

router = APIRouter(tags=["whisper.cpp"])


class InferenceForm(BaseModel):
    """What a client may send beside the file; other fields of whisper.cpp are ignored."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    response_format: ResponseFormat = ResponseFormat.JSON
    """As OpenAI has them, but for `diarized_json`."""
    language: str | None = None
    """ISO 639-1 code of the language that is spoken, or `auto`."""
    translate: bool = False
    """Refused: Parakeet models can't."""
    temperature: float | None = None
    """Accepted, not used."""


class LoadForm(BaseModel):
    """What `/load` takes."""

    model: str = Field(default="", description="A model of this server.")


@router.post("/inference", summary="Transcribe a file", openapi_extra=form_body(InferenceForm))
async def inference(request: Request, service: Service, client: Client) -> Response:
    """Answer as whisper.cpp does."""
    async with AsyncExitStack() as stack:
        form = await read_form(request)
        stack.push_async_callback(form.close)
        source, asked = form.file, checked(InferenceForm, form.fields())
        if asked.translate:
            raise HttpError(400, "Parakeet models can't translate; leave `translate` out")
        if asked.response_format is ResponseFormat.DIARIZED_JSON:
            raise HttpError(400, "speakers are not told apart here")
        options = service.transcribe_options(language_code(asked.language))
        work = FileRequest(source=source, client=client, options=options)
        transcript = await transcribed(request, service, work)
    if asked.response_format is ResponseFormat.JSON:
        return JSONResponse({"text": transcript.text})
    if asked.response_format is ResponseFormat.VERBOSE_JSON:
        return JSONResponse(with_words(transcript))
    return written(transcript, asked.response_format, service)


@router.post("/load", summary="Load a model", openapi_extra=form_body(LoadForm, file=False))
async def load(request: Request, service: Service) -> Response:
    """Load a model of this server; paths of weights are no names here."""
    form = await read_form(request)
    try:
        name = checked(LoadForm, form.fields()).model
    finally:
        await form.close()
    if not name:
        raise HttpError(400, "the form field `model` is missing")
    async with service.model(resolve_model(name, service)):
        return PlainTextResponse("Load was successful!")


def with_words(transcript: Transcript) -> dict[str, Any]:
    """Return the `verbose_json` shape of whisper.cpp: OpenAI's, with words in its segments."""
    shape = verbose(transcript, ())
    for told, segment in zip(shape["segments"], transcript.segments, strict=True):
        told["words"] = [_word(word) for word in segment.words]
    return shape


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": f" {word.text}",
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "probability": round(_probability(word), 4),
    }


def _probability(word: Word) -> float:
    """Return the mean probability of a word's tokens."""
    return math.fsum(math.exp(token.log_prob) for token in word.tokens) / max(1, len(word.tokens))
