"""ASGI middleware: the size of bodies, an id for each request, its numbers."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.service.logs import request_id
from eclectus.service.telemetry import Telemetry
from eclectus.service.tracing import Tracer

LOG = logging.getLogger(__name__)
_SAFE_ID = re.compile(r"[\w.:/-]{1,128}")


class BodyTooLargeError(HttpError):
    """More bytes than the server takes."""

    code = "upload_too_large"

    def __init__(self, limit_mb: float) -> None:
        super().__init__(
            413,
            f"the upload is larger than {limit_mb:g} MB; send less, or raise server.max_upload_mb",
            param="file",
            code=self.code,
        )


class StalledUploadError(HttpError):
    """The client began to send and stopped."""

    code = "upload_stalled"

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            408,
            f"nothing came for {limit_s:g} s; send the file again",
            param="file",
            code=self.code,
        )


class BodyLimit:
    """Refuses bodies that are too large, by what they promise and by what comes, or that stall."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        refuse: Callable[[Scope, Exception], Response],
        limit_mb: float,
        stall_s: float | None = None,
    ) -> None:
        """Prepare.

        Args:
            app: What takes the requests.
            refuse: Makes the answer of an error.
            limit_mb: Most megabytes of a body.
            stall_s: Longest time in which nothing of a body comes; None for no limit.
        """
        self._app = app
        self._refuse = refuse
        self._stall_s = stall_s
        self._limit_mb = limit_mb
        self._limit = round(limit_mb * 1_000_000)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        promised = Headers(scope=scope).get("content-length", "")
        if promised.isdigit() and int(promised) > self._limit:
            error = BodyTooLargeError(self._limit_mb)
            await self._refuse(scope, error)(scope, receive, send)
            return
        body = _Body(receive, self._limit_mb, self._stall_s)
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            started = True
            # Whatever the handler makes of a body that was cut off, this is the answer.
            if body.problem is None:
                await send(message)
            elif message["type"] == "http.response.start":
                await self._refuse(scope, body.problem)(scope, receive, send)

        try:
            await self._app(scope, body.receive, answer)
        except ClientDisconnect:
            if body.problem is None:
                raise
            if not started:
                await self._refuse(scope, body.problem)(scope, receive, send)


class _Body:
    """A body that breaks off when it becomes too large, or when nothing comes any more.

    Attributes:
        problem: Why it broke off, None if it did not.
    """

    def __init__(self, receive: Receive, limit_mb: float, stall_s: float | None) -> None:
        self._receive = receive
        self._limit_mb = limit_mb
        self._stall_s = stall_s
        self._left = round(limit_mb * 1_000_000)
        self._whole = False
        self.problem: HttpError | None = None

    async def receive(self) -> Message:
        """Return the next message, or the news that the client is gone."""
        if self._whole:  # what is waited for now is the end of the connection
            return await self._receive()
        if self.problem is None:
            try:
                async with asyncio.timeout(self._stall_s):
                    return self._counted(await self._receive())
            except TimeoutError:
                assert self._stall_s is not None
                self.problem = StalledUploadError(self._stall_s)
        return {"type": "http.disconnect"}

    def _counted(self, message: Message) -> Message:
        self._whole = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left >= 0:
            return message
        self._whole = False
        self.problem = BodyTooLargeError(self._limit_mb)
        return {"type": "http.disconnect"}


class Observer:
    """Gives each request an id, the client's own if it has one, counts it and traces it."""

    def __init__(self, app: ASGIApp, *, telemetry: Telemetry, tracer: Tracer) -> None:
        self._app = app
        self._telemetry = telemetry
        self._tracer = tracer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        identity = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identity)
        began = time.perf_counter()
        status = 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = identity
            await send(message)

        try:
            with self._tracer.span(scope.get("method", "WEBSOCKET"), headers) as span:
                await self._app(scope, receive, noted)
                span.note(http__route=_route(scope), http__response__status_code=status)
        finally:
            if scope["type"] == "http":
                self._count(scope, status, time.perf_counter() - began)
            request_id.reset(token)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        self._telemetry.requests.labels(route, str(status)).inc()
        self._telemetry.request_s.labels(route).observe(seconds)
        LOG.info(
            "%s %s %d", scope["method"], scope["path"], status, extra={"seconds": round(seconds, 4)}
        )


def _route(scope: Scope) -> str:
    """Return the route's pattern, not the path: clients choose paths, each would be a metric."""
    return getattr(scope.get("route"), "path", "other")
