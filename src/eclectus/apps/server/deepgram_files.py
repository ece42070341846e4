"""Deepgram's `POST /v1/listen`: a recorded file as the body."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from eclectus.apps.server.context import Client, Service
from eclectus.apps.server.deepgram_file_shapes import digest, recorded
from eclectus.apps.server.errors import HttpError
from eclectus.apps.server.openai_form import language_code
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.uploads import spool_body, while_connected
from eclectus.core.types import Audio
from eclectus.service.fetch import FetchLimits, fetch
from eclectus.service.service import FileRequest, SpeechService
from eclectus.signal.decode import AudioSource

router = APIRouter(tags=["Deepgram"])

_FAMILIES = ("nova", "enhanced", "base", "whisper", "flux", "general")
_MOST_JSON = 100_000


class Asked(BaseModel):
    """The query's parameters that count; others of Deepgram's are ignored."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    model: str | None = None
    """A model of this server; Deepgram's own names mean the default one."""
    language: str | None = None
    """Language that is spoken: a hint; `multi` to find out."""
    encoding: str | None = None
    """`linear16` for samples without a header; not needed for files."""
    sample_rate: int = 16_000
    """Of samples without a header, in Hz."""
    channels: int = 1
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
    async with AsyncExitStack() as stack:
        body = await spool_body(request)
        stack.callback(body.close)
        if request.headers.get("content-type", "").partition(";")[0].strip() == "application/json":
            url = _url(body.read(_MOST_JSON))
            body = await while_connected(request, _fetched(url, service))
            stack.callback(body.close)
        work = FileRequest(
            source=await asyncio.to_thread(_source, body, asked),
            model=model,
            client=client,
            options=service.transcribe_options(language_code(asked.language)),
        )
        transcript = await while_connected(request, service.transcribe(work))
        sha256 = await asyncio.to_thread(digest, body)
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


async def _fetched(url: str, service: SpeechService) -> Any:
    server = service.settings.server
    if not server.allow_urls:
        raise HttpError(
            400,
            "this server fetches nothing from the web; send the audio as the body, or set "
            "server.allow_urls",
            code="urls_not_allowed",
        )
    return await asyncio.to_thread(fetch, url, FetchLimits(round(server.max_upload_mb * 1e6)))


def _source(body: Any, asked: Asked) -> AudioSource:
    """Return the file, or its samples if it has no header."""
    if asked.encoding is None:
        return body  # type: ignore[no-any-return]  # a binary file
    if asked.encoding != "linear16":
        raise HttpError(
            400,
            f"samples without a header are linear16 here, not {asked.encoding}; leave `encoding` "
            "out for files",
            param="encoding",
        )
    return _samples(body.read(), asked)


def _samples(data: bytes, asked: Asked) -> Audio:
    import numpy as np

    if not (1 <= asked.channels <= 32 and 1_000 <= asked.sample_rate <= 384_000):
        raise HttpError(400, "these are no rate and no number of channels", param="sample_rate")
    count = len(data) // (2 * asked.channels) * asked.channels
    samples = np.frombuffer(data, "<i2", count).reshape(-1, asked.channels)
    return Audio(samples.mean(axis=1, dtype=np.float32) / np.float32(32_768), asked.sample_rate)
