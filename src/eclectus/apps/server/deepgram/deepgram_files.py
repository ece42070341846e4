"""Deepgram's `POST /v1/listen`: a recorded file as the body."""

from __future__ import annotations

import asyncio
import struct
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from eclectus.apps.server.common.dependencies import Client, Service
from eclectus.apps.server.common.file_tasks import transcribed, while_connected
from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.language_codes import language_code
from eclectus.apps.server.common.uploads import spool_body
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.apps.server.deepgram.deepgram_file_shapes import digest, recorded
from eclectus.apps.server.deepgram.deepgram_terms import (
    Channels,
    SampleRate,
    deepgram_model,
    refuse_callback,
)
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.service.service import FileRequest, SpeechService

router = APIRouter(tags=["Deepgram"])

_MOST_JSON = 100_000
_JSON = "application/json"
_UNKNOWN = b"\xff\xff\xff\xff"
_WAV_FORMS = {"linear16": (1, 2), "linear32": (3, 4), "mulaw": (7, 1), "alaw": (6, 1)}
"""WAV's number and the bytes of a sample."""


class Asked(BaseModel):
    """The query's parameters that count; others of Deepgram's are ignored."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str | None = None
    """A model of this server; Deepgram's own names mean the default one."""
    language: str | None = None
    """Language that is spoken: a hint; `multi` to find out."""
    encoding: str | None = None
    """`linear16`, `linear32`, `mulaw` or `alaw` for samples without a header; not for files."""
    sample_rate: SampleRate = SAMPLE_RATE
    """Of samples without a header, in Hz."""
    channels: Channels = 1
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
    refuse_callback(asked.callback)
    model = deepgram_model(asked.model, service)
    is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == _JSON
    header = b"" if is_json else _header(asked)
    async with AsyncExitStack() as stack:
        body = await spool_body(request, header)
        stack.callback(body.close)
        if is_json:
            url = _url(body.read(_MOST_JSON + 1))
            body = await while_connected(request, _fetched(url, service, client))
            stack.callback(body.close)
        work = FileRequest(
            source=body,
            model=model,
            client=client,
            options=service.transcribe_options(language_code(asked.language)),
        )
        transcript = await transcribed(request, service, work)
        sha256 = await asyncio.to_thread(digest, body, len(header))
    named = replace(transcript, model=model)
    shape = recorded(named, sha256, utterances=asked.utterances, paragraphs=asked.paragraphs)
    return JSONResponse(shape)


def _url(body: bytes) -> str:
    url = read_object(body, _MOST_JSON).get("url")
    if not isinstance(url, str):
        raise HttpError(400, 'the body has no "url"; send {"url": "https://…"}, or the audio')
    return url


async def _fetched(url: str, service: SpeechService, client: str) -> BinaryIO:
    server = service.settings.server
    if not server.allow_urls:
        raise HttpError(
            400,
            "this server fetches nothing from the web; send the audio as the body, or set "
            "server.allow_urls",
            code="urls_not_allowed",
        )
    return await service.fetch(url, client)


def _header(asked: Asked) -> bytes:
    """Return what makes a WAV file of the body's samples; nothing for a file.

    Its sizes are unknown, as a pipe's: decoders then read to the end.

    Raises:
        HttpError: 400, the samples are not understood.
    """
    if asked.encoding is None:
        return b""
    if asked.encoding not in _WAV_FORMS:
        raise HttpError(
            400,
            f"samples without a header are {', '.join(_WAV_FORMS)} here, not {asked.encoding}; "
            "leave `encoding` out for files",
            param="encoding",
        )
    tag, width = _WAV_FORMS[asked.encoding]
    rate, block = asked.sample_rate, asked.channels * width
    form = struct.pack("<HHIIHH", tag, asked.channels, rate, rate * block, block, 8 * width)
    return b"RIFF" + _UNKNOWN + b"WAVEfmt \x10\0\0\0" + form + b"data" + _UNKNOWN
