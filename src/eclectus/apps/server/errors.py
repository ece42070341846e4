"""From errors to statuses: one table for HTTP, OpenAI's error objects and WebSocket closes."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

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


def error_object(error: Exception) -> dict[str, object]:
    """Return OpenAI's error object."""
    meaning = meaning_of(error)
    return {
        "message": message_of(error),
        "type": meaning.kind,
        "param": meaning.param or _param_of(error),
        "code": code_of(error),
    }


def _param_of(error: Exception) -> str | None:
    """Return the field of a wrong option, where clients call it the same."""
    context = error.context if isinstance(error, OptionError) else {}
    return next((name for name in ("language",) if name in context), None)


def error_response(request: HTTPConnection, error: Exception) -> JSONResponse:
    """Answer with an error, in the form of the route's protocol."""
    meaning = meaning_of(error)
    headers = {"x-should-retry": "true" if meaning.retry else "false"}
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(max(1, round(retry_after_s)))
    if meaning.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body_of(request.url.path, error), meaning.status, headers)


DETAIL_PATHS = ("/transcribe", "/audio/transcriptions")
"""Where errors have the form and the statuses of the FastAPI services."""


def body_of(path: str, error: Exception) -> dict[str, object]:
    """Return the body of an error: OpenAI's under `/v1`, whisper.cpp's, or FastAPI's `detail`."""
    if path.startswith("/v1/listen"):
        return {"err_code": code_of(error), "err_msg": message_of(error)}
    if path.startswith("/v1"):
        return {"error": error_object(error)}
    if path in ("/inference", "/load"):
        return {"error": message_of(error)}
    return {"detail": message_of(error)}
