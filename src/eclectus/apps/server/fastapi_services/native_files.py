"""`/transcribe`, as the FastAPI services for Parakeet have it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from eclectus.apps.server.common.dependencies import Client, Service
from eclectus.apps.server.common.file_tasks import transcribed
from eclectus.apps.server.common.native_shape import native
from eclectus.apps.server.common.transcript_files import file_response
from eclectus.apps.server.common.uploads import checked, form_body, read_form
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
        transcript = await transcribed(request, service, work)
        if asked.output_format is not None:
            return file_response(transcript, asked.output_format, service)
        return JSONResponse(native(transcript, timestamps=asked.include_timestamps))
