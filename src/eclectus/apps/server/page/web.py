"""The web page: `/` and its files, and what only the page asks for under `/web`."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fastapi import APIRouter, Depends, Query, Request, Response

from eclectus._version import __version__
from eclectus.apps.server.common.dependencies import Client, Service
from eclectus.apps.server.common.file_tasks import (
    FileTask,
    HeldResponse,
    follow_progress,
    while_connected,
)
from eclectus.apps.server.common.language_codes import language_code
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.transcript_files import file_response
from eclectus.apps.server.common.uploads import spool_body
from eclectus.apps.server.common.wire_errors import HttpError, count_error
from eclectus.apps.server.page.web_shapes import (
    TranscriptShape,
    error_line,
    not_found,
    progress_line,
    require_shown,
)
from eclectus.core.choices import TimestampLevel
from eclectus.core.errors import EclectusError
from eclectus.core.types import Progress
from eclectus.output.json_fields import transcript_fields
from eclectus.output.registry import FORMATS
from eclectus.service.service import FileRequest, SpeechService

PAGE = "index.html"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
# `blob:` is the visitor's own recording, which the page plays without sending it anywhere.
POLICY = (
    "default-src 'self'; media-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    # Always asked for again, answered with 304: a new version of the server shows at once.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_DOWNLOADS_MARK = b"<!-- downloads -->"


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Attributes:
        content: Its bytes.
        media_type: Of HTTP.
        etag: Changes with the content.
    """

    content: bytes
    media_type: str
    etag: str


def require_page(service: Service) -> None:
    """Hide the page where `server.web` is off."""
    require_shown(service)


router = APIRouter(include_in_schema=False, dependencies=[Depends(require_page)])
open_router = APIRouter(include_in_schema=False, dependencies=[Depends(require_page)])


@cache
def page_files() -> dict[str, PageFile]:
    """Return the files of the page by name."""
    found = {}
    for entry in resources.files("eclectus.apps.server.page").joinpath("web").iterdir():
        kind = MEDIA_TYPES.get(entry.name.rpartition(".")[2])
        if kind is not None:
            content = entry.read_bytes().replace(_DOWNLOADS_MARK, _downloads())
            etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
            found[entry.name] = PageFile(content, kind, etag)
    return found


def _downloads() -> bytes:
    """Write a button for each format that a transcript can be downloaded as."""
    buttons = (
        f'<button type="button" data-format="{html.escape(file.name)}" '
        f'data-suffix="{html.escape(file.suffix)}" title="{html.escape(file.title)}" '
        f'aria-label="Download as {html.escape(file.title)}">{html.escape(file.name.upper())}'
        "</button>"
        for file in FORMATS.values()
    )
    return "\n              ".join(buttons).encode()


@open_router.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page itself; it is open to all, and asks for the key when the server wants one."""
    return _answer(request, PAGE)


@open_router.api_route("/web/files/{name}", methods=["GET", "HEAD"])
async def page_file(request: Request, name: str) -> Response:
    """A style sheet, a module or a picture of the page."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    file = page_files().get(name)
    if file is None:
        raise not_found()
    headers = {**HEADERS, "ETag": file.etag}
    known = [one.strip().removeprefix("W/") for one in _asked(request).split(",")]
    if file.etag in known or "*" in known:
        return Response(None, 304, headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


def _asked(request: Request) -> str:
    return request.headers.get("if-none-match", "")


@router.get("/web/info")
async def info(service: Service) -> dict[str, Any]:
    """What the page offers: models, the languages of those in memory, the largest upload."""
    loaded = {served.name: served.model.config.languages for served in service.pool.loaded}
    return {
        "version": __version__,
        "ready": service.ready,
        "models": [
            {
                "name": name,
                "languages": list(loaded.get(name, ())),
                "demonstration": service.pool.is_demonstration(name),
            }
            for name in service.pool.names
        ],
        "language": service.settings.language,
        "max_upload_mb": service.settings.server.max_upload_mb,
    }


@router.post("/web/transcribe")
async def transcribe(
    request: Request,
    service: Service,
    client: Client,
    model: str | None = None,
    language: str | None = Query(None, max_length=16),
) -> Response:
    """Transcribe the body; answer with JSON lines: progress, then the transcript or an error.

    What goes wrong before the first window is done has its own status, as everywhere.
    """
    name = resolve_model(model, service)
    async with AsyncExitStack() as stack:
        spool = await spool_body(request)
        stack.callback(spool.close)
        options = service.transcribe_options(language_code(language))
        work = FileRequest(source=spool, model=name, client=client, options=options)
        task = follow_progress(service, work)
        stack.push_async_callback(task.close)
        await while_connected(request, task.begin(None, first_news=True))
        return HeldResponse(
            _lines(task, service),
            stack.pop_all(),
            media_type="application/x-ndjson",
            headers={"Cache-Control": "no-store"},
        )


async def _lines(task: FileTask[Progress], service: SpeechService) -> AsyncIterator[str]:
    """Yield the lines of a file: how far it is, then the transcript or an error."""
    async for progress in task.news():
        if progress is not None:
            yield progress_line(progress)
    try:
        transcript = await task.transcript()
    except EclectusError as error:
        count_error(service, error)
        yield error_line(error)
        return
    document = transcript_fields(transcript, TimestampLevel.WORD)
    yield json.dumps({"type": "transcript", **document}, ensure_ascii=False) + "\n"


@router.post("/web/render/{kind}")
async def rendered(kind: str, shape: TranscriptShape, service: Service) -> Response:
    """Write a transcript that the page holds as a file of one kind."""
    if kind not in FORMATS:
        raise HttpError(404, f"there is no download {kind!r}; there are {', '.join(FORMATS)}")
    return await asyncio.to_thread(file_response, shape.transcript(), kind, service)
