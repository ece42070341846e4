"""From errors to statuses and close codes: one table for all wires."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from fastapi.responses import JSONResponse

from eclectus.core.errors import (
    AudioError,
    AudioTooLongError,
    BackendError,
    CapacityError,
    DeadlineError,
    EclectusError,
    ModelDownloadError,
    ModelError,
    OptionError,
    OutOfMemoryError,
    StreamError,
    UnknownModelError,
    UnsupportedMediaError,
)
from eclectus.service.service import SpeechService


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error is on the wires.

    Attributes:
        status: Of HTTP.
        kind: OpenAI's `type`.
        close: WebSocket close code.
        param: OpenAI's `param`: the field that is to blame.
        retry: Whether the same request can succeed later.
    """

    status: int
    kind: str
    close: int
    param: str | None = None
    retry: bool = False


_INVALID = "invalid_request_error"
# The first class that fits counts.
TABLE: tuple[tuple[type[Exception], Meaning], ...] = (
    (AudioTooLongError, Meaning(413, _INVALID, 1009, "file")),
    (UnsupportedMediaError, Meaning(415, _INVALID, 1003, "file")),
    (AudioError, Meaning(400, _INVALID, 1007, "file")),
    (UnknownModelError, Meaning(404, "not_found_error", 1008, "model")),
    (ModelDownloadError, Meaning(503, "server_error", 1013, "model", retry=True)),
    (ModelError, Meaning(500, "server_error", 1011, "model")),
    (OptionError, Meaning(400, _INVALID, 1008)),
    (DeadlineError, Meaning(504, "server_error", 1013)),
    (CapacityError, Meaning(503, "server_error", 1013, retry=True)),
    (OutOfMemoryError, Meaning(503, "server_error", 1013, retry=True)),
    (BackendError, Meaning(500, "server_error", 1011)),
    (StreamError, Meaning(400, _INVALID, 1008)),
    (EclectusError, Meaning(500, "server_error", 1011)),
)
_BUG = Meaning(500, "server_error", 1011)
_OPENAI_CODES = {"unknown_model": "model_not_found"}


class HttpError(EclectusError):
    """A request that is wrong by itself; its status is its own."""

    code = "invalid_request"

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = _INVALID,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.meaning = Meaning(status, kind, 1008, param)
        self.error_code = code or self.code


def meaning_of(error: Exception) -> Meaning:
    """Return what an error is on the wires."""
    if isinstance(error, HttpError):
        return error.meaning
    if isinstance(error, CapacityError) and error.context.get("limit") == "client":
        return Meaning(429, "rate_limit_error", 1013, retry=True)
    for kind, meaning in TABLE:
        if isinstance(error, kind):
            return meaning
    return _BUG


def message_of(error: Exception) -> str:
    """Return what a client may know: the message of our own errors, never that of a bug."""
    return str(error) if isinstance(error, EclectusError) else "internal server error"


def code_of(error: Exception) -> str:
    """Return the stable name of an error, by OpenAI's word where there is one."""
    if isinstance(error, HttpError):
        return error.error_code
    code = error.code if isinstance(error, EclectusError) else "internal_error"
    return _OPENAI_CODES.get(code, code)


ErrorBody: TypeAlias = Callable[[Exception], dict[str, object]]
"""Writes an error in the shape of a wire."""


def detail_body(error: Exception) -> dict[str, object]:
    """Return FastAPI's own shape."""
    return {"detail": message_of(error)}


def count_error(service: SpeechService, error: Exception) -> None:
    """Count an error in the metrics."""
    service.telemetry.errors.labels(code_of(error)).inc()


def error_response(error: Exception, body: dict[str, object]) -> JSONResponse:
    """Answer with an error.

    Args:
        error: What is wrong; status and headers are its own.
        body: As its wire writes it.
    """
    meaning = meaning_of(error)
    headers = {"x-should-retry": "true" if meaning.retry else "false"}
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(retry_after_s)))
    if meaning.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body, meaning.status, headers)
