"""What the two halves of Deepgram's protocol share: models, samples, words, errors."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.samples import Encoding
from eclectus.apps.server.common.wire_errors import HttpError, code_of, message_of
from eclectus.core.types import Word
from eclectus.service.service import SpeechService

ENCODINGS = {
    "linear16": Encoding.PCM16,
    "linear32": Encoding.FLOAT32,
    "mulaw": Encoding.ULAW,
    "alaw": Encoding.ALAW,
}
"""Samples without a header, by Deepgram's names."""

SampleRate: TypeAlias = Annotated[int, Field(ge=1_000, le=384_000)]
Channels: TypeAlias = Annotated[int, Field(ge=1, le=32)]

_FAMILIES = ("nova", "enhanced", "base", "whisper", "flux", "general")
"""How the names of Deepgram's own models begin; they mean the default model here."""
_SIGNS = ".,;:!?¿¡…\"'()[]{}«»„“”‚‘’—–-"
"""What may stand around a word; `%`, `#` and `@` belong to it."""


def deepgram_model(name: str | None, service: SpeechService) -> str:
    """Return the served model that a client of Deepgram's means.

    Raises:
        UnknownModelError: There is none of this name.
    """
    return resolve_model(name, service, lambda given: given.lower().startswith(_FAMILIES))


def refuse_callback(callback: str | None) -> None:
    """Refuse to send the answer elsewhere.

    Raises:
        HttpError: 400.
    """
    if callback is not None:
        raise HttpError(400, "callbacks are not made; wait for the answer", param="callback")


def bare(text: str) -> str:
    """Return a word in small letters without the signs around it, as Deepgram's `word`."""
    return text.strip(_SIGNS).lower() or text.lower()


def word_shape(word: Word) -> dict[str, Any]:
    """Return a word."""
    return {
        "word": bare(word.text),
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "confidence": round(word.confidence, 4),
        "punctuated_word": word.text,
    }


def confidence_of(words: Sequence[Word]) -> float:
    """Return the mean confidence of words, 0 of none."""
    return round(sum(word.confidence for word in words) / len(words), 4) if words else 0.0


def alternative(text: str, words: Sequence[Word]) -> dict[str, Any]:
    """Return what was understood."""
    return {
        "transcript": text,
        "confidence": confidence_of(words),
        "words": [word_shape(word) for word in words],
    }


def model_uuid(name: str) -> str:
    """Return the number of a model: always the same for a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"eclectus:{name}"))


def model_info(name: str) -> dict[str, str]:
    """Return the description of a model."""
    return {"name": name, "version": "", "arch": "parakeet"}


def summary(identity: str, sha256: str, duration_s: float, channels: int) -> dict[str, Any]:
    """Return the description of a whole request.

    Args:
        identity: Of the request.
        sha256: Of its audio, in hexadecimal digits.
        duration_s: Of its audio.
        channels: Of its audio.
    """
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {
        "transaction_key": "deprecated",
        "request_id": identity,
        "sha256": sha256,
        "created": now.replace("+00:00", "Z"),
        "duration": round(duration_s, 4),
        "channels": channels,
    }


def error_body(error: Exception) -> dict[str, object]:
    """Return an error as the body of a response."""
    return {"err_code": code_of(error), "err_msg": message_of(error)}
