"""The web page: `/` and its files, and what only the page asks for under `/web`."""

from __future__ import annotations

import asyncio
import hashlib
import html
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, BinaryIO, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from eclectus._version import __version__
from eclectus.apps.server import web_ws
from eclectus.apps.server.context import PageClient, Service
from eclectus.apps.server.errors import HttpError
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.transcript_files import file_response
from eclectus.apps.server.web_shapes import TranscriptShape, error_line, progress_line
from eclectus.core.choices import TimestampLevel
from eclectus.core.types import Progress, Transcript
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
_MEMORY_BYTES = 8_000_000
_PATIENCE_S = 0.25


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
    """Hide the page, and what only it asks for, where `server.web` is off."""
    if not service.settings.server.web:
        raise HttpError(404, "Not Found", kind="not_found_error", code="not_found")


router = APIRouter(include_in_schema=False)
_page = APIRouter(dependencies=[Depends(require_page)])


@cache
def page_files() -> dict[str, PageFile]:
    """Return the files of the page by name."""
    found = {}
    for entry in resources.files("eclectus.apps.server").joinpath("web").iterdir():
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


@_page.api_route("/", methods=["GET", "HEAD"])
async def page(request: Request) -> Response:
    """The page itself; it is open to all, and asks for the key when the server wants one."""
    return _answer(request, PAGE)


@_page.api_route("/web/files/{name}", methods=["GET", "HEAD"])
async def page_file(request: Request, name: str) -> Response:
    """A style sheet, a module or a picture of the page."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    file = page_files().get(name)
    if file is None:
        raise HttpError(404, "Not Found", kind="not_found_error", code="not_found")
    headers = {**HEADERS, "ETag": file.etag}
    known = [one.strip().removeprefix("W/") for one in _asked(request).split(",")]
    if file.etag in known or "*" in known:
        return Response(None, 304, headers)
    return Response(file.content, headers=headers, media_type=file.media_type)


def _asked(request: Request) -> str:
    return request.headers.get("if-none-match", "")


@_page.get("/web/info")
async def info(service: Service, _: PageClient) -> dict[str, Any]:
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


@_page.post("/web/transcribe")
async def transcribe(
    request: Request,
    service: Service,
    client: PageClient,
    model: str | None = None,
    language: str | None = Query(None, max_length=16),
) -> Response:
    """Transcribe the body; answer with JSON lines: progress, then the transcript or an error.

    What goes wrong before the first window is done has its own status, as everywhere.
    """
    name = resolve_model(model, service)
    spool = await _spooled(request)
    lines = _Lines(service, spool)
    lines.begin(
        FileRequest(
            source=spool,
            model=name,
            client=client,
            options=service.transcribe_options(language),
            on_progress=lines.progressed,
        )
    )
    await lines.first(request)
    return StreamingResponse(
        lines.all(), media_type="application/x-ndjson", headers={"Cache-Control": "no-store"}
    )


async def _spooled(request: Request) -> BinaryIO:
    """Read the body into memory, or into a file if it's long."""
    spool = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - closed by its reader
    try:
        async for piece in request.stream():
            spool.write(piece)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return cast("BinaryIO", spool)


class _Lines:
    """The work on one file, told line by line."""

    def __init__(self, service: SpeechService, spool: BinaryIO) -> None:
        self._service = service
        self._spool = spool
        self._loop = asyncio.get_running_loop()
        self._progress: Progress | None = None
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[Transcript] | None = None

    def begin(self, request: FileRequest) -> None:
        """Begin to work; the file is closed when the work has ended, however it did."""
        self._task = asyncio.create_task(self._service.transcribe(request))
        self._task.add_done_callback(self._ended)

    def progressed(self, progress: Progress) -> None:
        """Note how far the work is; called from its thread."""
        self._progress = progress
        self._loop.call_soon_threadsafe(self._stirred.set)

    def _ended(self, task: asyncio.Task[Transcript]) -> None:
        self._spool.close()
        if not task.cancelled():
            task.exception()  # seen: a visitor who left isn't told
        self._stirred.set()

    async def first(self, request: Request) -> None:
        """Wait for the first sign; the work stops if the visitor leaves before.

        Raises:
            EclectusError: The work failed.
        """
        task = self._running
        try:
            while not await self._stirs(_PATIENCE_S):
                if await request.is_disconnected():
                    task.cancel()  # whose error goes to nobody
        except BaseException:
            task.cancel()
            raise
        if task.cancelled():
            raise HttpError(499, "the client has closed the connection")
        if task.done():
            task.result()

    async def all(self) -> AsyncIterator[str]:
        """Yield the lines. The work stops if nobody takes them."""
        task = self._running
        try:
            while not task.done():
                self._stirred.clear()
                if self._progress is not None:
                    yield progress_line(self._progress)
                await self._stirs(None)
            yield self._last(task)
        finally:
            task.cancel()

    def _last(self, task: asyncio.Task[Transcript]) -> str:
        error = task.exception()
        if error is None:
            document = transcript_fields(task.result(), TimestampLevel.WORD)
            return json.dumps({"type": "transcript", **document}, ensure_ascii=False) + "\n"
        if not isinstance(error, Exception):
            raise error
        return error_line(error)

    async def _stirs(self, patience_s: float | None) -> bool:
        try:
            async with asyncio.timeout(patience_s):
                await self._stirred.wait()
        except TimeoutError:
            return False
        return True

    @property
    def _running(self) -> asyncio.Task[Transcript]:
        assert self._task is not None
        return self._task


@_page.post("/web/render/{kind}")
async def rendered(kind: str, shape: TranscriptShape, service: Service, _: PageClient) -> Response:
    """Write a transcript that the page holds as a file of one kind."""
    if kind not in FORMATS:
        raise HttpError(404, f"there is no download {kind!r}; there are {', '.join(FORMATS)}")
    return file_response(shape.transcript(), kind, service)


_page.include_router(web_ws.router)
router.include_router(_page)
