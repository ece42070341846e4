"""`/transcribe`, as the FastAPI services for Parakeet have it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from eclectus.apps.server.context import Client, Service
from eclectus.apps.server.transcript_files import file_response
from eclectus.apps.server.uploads import checked, form_body, read_form, while_connected
from eclectus.core.types import Segment, Transcript, Word
from eclectus.output.registry import FORMATS, format_named
from eclectus.service.service import FileRequest

router = APIRouter(tags=["FastAPI services"])


FormatName = Annotated[
    str,
    AfterValidator(lambda name: format_named(name).name),
    Field(json_schema_extra={"enum": [*FORMATS]}),
]


class NativeForm(BaseModel):
    """What a client may send beside the file."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    include_timestamps: bool = False
    """Tell the times of words and segments."""
    should_chunk: bool = True
    """Accepted, not used: long files are always divided."""
    output_format: FormatName | None = None
    """Answer with a file of this format instead."""


@router.post("/audio/transcriptions", include_in_schema=False)
@router.post("/transcribe", summary="Transcribe a file", openapi_extra=form_body(NativeForm))
async def transcribe(request: Request, service: Service, client: Client) -> Response:
    """Answer with the text, with times if they are asked for, or with a file."""
    async with AsyncExitStack() as stack:
        form = await read_form(request)
        stack.push_async_callback(form.close)
        source, asked = form.file, checked(NativeForm, form.fields())
        work = FileRequest(source=source, client=client, options=service.transcribe_options())
        transcript = await while_connected(request, service.transcribe(work))
        if asked.output_format is not None:
            return file_response(transcript, asked.output_format, service)
        return JSONResponse(native(transcript, timestamps=asked.include_timestamps))


def native(transcript: Transcript, *, timestamps: bool) -> dict[str, Any]:
    """Return the services' shape; times are seconds."""
    times = {
        "words": [_timed(word) for word in transcript.words],
        "segments": [_timed(segment) for segment in transcript.segments],
    }
    return {"text": transcript.text, "timestamps": times if timestamps else None}


def _timed(part: Word | Segment) -> dict[str, Any]:
    return {"text": part.text, "start": round(part.start, 3), "end": round(part.end, 3)}
