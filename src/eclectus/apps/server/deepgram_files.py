"""Deepgram's `POST /v1/listen`: a recorded file as the body."""

from __future__ import annotations

import asyncio
import json
import struct
from contextlib import AsyncExitStack
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from eclectus.apps.server.context import Client, Service
from eclectus.apps.server.deepgram_file_shapes import digest, recorded
from eclectus.apps.server.errors import HttpError
from eclectus.apps.server.openai_form import language_code
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.uploads import spool_body, while_connected
from eclectus.service.fetch import FetchLimits, fetch
from eclectus.service.service import FileRequest, SpeechService

router = APIRouter(tags=["Deepgram"])

_FAMILIES = ("nova", "enhanced", "base", "whisper", "flux", "general")
_MOST_JSON = 100_000
_JSON = "application/json"
_UNKNOWN = b"\xff\xff\xff\xff"


class Asked(BaseModel):
    """The query's parameters that count; others of Deepgram's are ignored."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str | None = None
    """A model of this server; Deepgram's own names mean the default one."""
    language: str | None = None
    """Language that is spoken: a hint; `multi` to find out."""
    encoding: str | None = None
    """`linear16` for samples without a header; not needed for files."""
    sample_rate: int = Field(default=16_000, ge=1_000, le=384_000)
    """Of samples without a header, in Hz."""
    channels: int = Field(default=1, ge=1, le=32)
    """Of samples without a header."""
    utterances: bool = False
    """Tell the segments as `results.utterances`."""
    paragraphs: bool = False
    """Tell the sentences as `paragraphs`."""
    callback: str | None = None
    """Refused: the answer comes with the response."""


@router.post(
    "/v1/listen",
    summary="Transcribe a file",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "audio/*": {"schema": {"type": "string", "format": "binary"}},
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"url": {"type": "string", "format": "uri"}},
                        "required": ["url"],
                    }
                },
            },
        }
    },
)
async def listen(
    request: Request, service: Service, client: Client, asked: Annotated[Asked, Query()]
) -> JSONResponse:
    """Answer as Deepgram does, with one channel and one alternative."""
    if asked.callback is not None:
        raise HttpError(400, "callbacks are not made; wait for the answer", param="callback")
    model = resolve_deepgram(asked.model, service)
    is_json = request.headers.get("content-type", "").partition(";")[0].strip() == _JSON
    header = b"" if is_json else _header(asked)
    async with AsyncExitStack() as stack:
        body = await spool_body(request, header)
        stack.callback(body.close)
        if is_json:
            url = _url(body.read(_MOST_JSON))
            body = await while_connected(request, _fetched(url, service))
            stack.callback(body.close)
        work = FileRequest(
            source=body,
            model=model,
            client=client,
            options=service.transcribe_options(language_code(asked.language)),
        )
        transcript = await while_connected(request, service.transcribe(work))
        sha256 = await asyncio.to_thread(digest, body, len(header))
    shape = recorded(transcript, sha256, utterances=asked.utterances, paragraphs=asked.paragraphs)
    return JSONResponse(shape)


def resolve_deepgram(name: str | None, service: SpeechService) -> str:
    """Return the served model that a client of Deepgram's means.

    Raises:
        UnknownModelError: There is none of this name.
    """
    if name not in service.pool.names and (name or "").lower().startswith(_FAMILIES):
        return service.pool.default
    return resolve_model(name, service)


def _url(body: bytes) -> str:
    try:
        document: Any = json.loads(body)
    except ValueError as error:
        raise HttpError(400, f"the body is no JSON: {error}") from error
    url = document.get("url") if isinstance(document, dict) else None
    if not isinstance(url, str):
        raise HttpError(400, 'the body has no "url"; send {"url": "https://…"}, or the audio')
    return url


async def _fetched(url: str, service: SpeechService) -> BinaryIO:
    server = service.settings.server
    if not server.allow_urls:
        raise HttpError(
            400,
            "this server fetches nothing from the web; send the audio as the body, or set "
            "server.allow_urls",
            code="urls_not_allowed",
        )
    return await asyncio.to_thread(fetch, url, FetchLimits(round(server.max_upload_mb * 1e6)))


def _header(asked: Asked) -> bytes:
    """Return what makes a WAV file of the body's samples; nothing for a file.

    Its sizes are unknown, as a pipe's: decoders then read to the end.

    Raises:
        HttpError: 400, the samples are not understood.
    """
    if asked.encoding is None:
        return b""
    if asked.encoding != "linear16":
        raise HttpError(
            400,
            f"samples without a header are linear16 here, not {asked.encoding}; leave `encoding` "
            "out for files",
            param="encoding",
        )
    rate, channels = asked.sample_rate, asked.channels
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels, 2 * channels, 16)
    return b"RIFF" + _UNKNOWN + b"WAVEfmt \x10\0\0\0" + form + b"data" + _UNKNOWN
