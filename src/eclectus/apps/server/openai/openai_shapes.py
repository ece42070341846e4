"""Transcripts and errors in the shapes of OpenAI's responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

from eclectus.apps.server.common.whisper_shapes import (
    Granularity,
    ResponseFormat,
    tokens_of,
    usage,
    verbose,
    written,
)
from eclectus.apps.server.common.wire_errors import code_of, meaning_of, message_of
from eclectus.core.errors import OptionError
from eclectus.core.types import Transcript, Word
from eclectus.service.service import SpeechService


def body_of_format(
    transcript: Transcript,
    wanted: ResponseFormat,
    granularities: Sequence[Granularity],
    service: SpeechService,
) -> Response:
    """Return the response in a format but diarized_json."""
    if wanted is ResponseFormat.JSON:
        return JSONResponse(plain(transcript))
    if wanted is ResponseFormat.VERBOSE_JSON:
        return JSONResponse(verbose(transcript, granularities))
    return written(transcript, wanted, service)


def plain(transcript: Transcript) -> dict[str, Any]:
    """Return the `json` shape."""
    shape: dict[str, Any] = {"text": transcript.text, "usage": usage(transcript)}
    if transcript.language is not None:
        shape["languages"] = [{"code": transcript.language}]
    return shape


def logprobs(words: Sequence[Word], *, first: bool = True) -> list[dict[str, Any]]:
    """Return the natural log of the probability of each token that has a part in the text.

    Args:
        words: Of a transcript.
        first: Whether they begin the text, which no space does.
    """
    told = []
    for number, token in enumerate(tokens_of(words)):
        text = token.text.lstrip() if first and not number else token.text
        told.append(
            {"token": text, "logprob": round(token.log_prob, 6), "bytes": list(text.encode())}
        )
    return told


def error_body(error: Exception) -> dict[str, object]:
    """Return an error as the body of a response."""
    return {"error": error_object(error)}


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
