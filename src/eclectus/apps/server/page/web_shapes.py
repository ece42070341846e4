"""What the web page sends and gets, as JSON."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from eclectus.apps.server.common.wire_errors import HttpError, code_of, meaning_of, message_of
from eclectus.core.types import Progress, Segment, Transcript, Word
from eclectus.service.live import Flushed, LiveEvent, Restarted
from eclectus.service.service import SpeechService
from eclectus.streaming import event_json
from eclectus.streaming.events import LanguageDetected, SegmentDone, SpeechStarted

_DAY_S = 86_400.0 * 30


class WordShape(BaseModel):
    """A word with its time in seconds."""

    model_config = ConfigDict(extra="ignore")

    text: str = Field(min_length=1, max_length=2_000)
    start: float = Field(ge=0, le=_DAY_S, allow_inf_nan=False)
    end: float = Field(ge=0, le=_DAY_S, allow_inf_nan=False)
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    speaker: str | None = None


class SegmentShape(BaseModel):
    """Words that belong together."""

    model_config = ConfigDict(extra="ignore")

    words: list[WordShape] = Field(min_length=1)


class TranscriptShape(BaseModel):
    """A transcript as the page holds it: its own recording, or what the server sent."""

    model_config = ConfigDict(extra="ignore")

    segments: list[SegmentShape]
    duration: float = Field(ge=0, le=_DAY_S, allow_inf_nan=False)
    language: str | None = None
    model: str | None = None

    def transcript(self) -> Transcript:
        """Return the transcript itself."""
        segments = []
        for shape in self.segments:
            words = tuple(
                Word(one.text, one.start, max(one.start, one.end), one.confidence, one.speaker)
                for one in shape.words
            )
            segments.append(Segment(words, words[0].start, words[-1].end, words[0].speaker))
        return Transcript(tuple(segments), self.duration, self.language, self.model)


class StartShape(BaseModel):
    """The first message of a live stream."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(pattern="^start$")
    sample_rate: int = Field(ge=8_000, le=192_000)
    format: str = Field("s16", pattern="^(s16|f32)$")
    model: str | None = None
    language: str | None = Field(None, max_length=16)
    key: str | None = Field(None, max_length=1_000)


def require_shown(service: SpeechService) -> None:
    """Hide the page, and what only it asks for, where `server.web` is off.

    Raises:
        HttpError: 404.
    """
    if not service.settings.server.web:
        raise not_found()


def not_found() -> HttpError:
    """Return the error of what the page does not have."""
    return HttpError(404, "Not Found", kind="not_found_error", code="not_found")


def progress_line(progress: Progress) -> str:
    """Return a line that tells how far a file is."""
    return _line({"type": "progress", "done_s": progress.done_s, "total_s": progress.total_s})


def error_line(error: Exception) -> str:
    """Return a line that tells why there is no transcript."""
    return _line(error_fields(error))


def error_fields(error: Exception) -> dict[str, Any]:
    """Return an error as the page shows it."""
    return {
        "type": "error",
        "status": meaning_of(error).status,
        "code": code_of(error),
        "message": message_of(error),
        "retry_after_s": getattr(error, "retry_after_s", None),
    }


def event_fields(event: LiveEvent) -> dict[str, Any] | None:
    """Return an event of a live stream; None for one that the page need not know.

    The page learns of the language with the segments.
    """
    match event:
        case Flushed() | Restarted() | LanguageDetected():
            return None
        case SpeechStarted():
            return event_json.event_fields(event) | {"type": "speech"}
        case SegmentDone(segment=segment):
            return event_json.event_fields(event) | {
                "words": [event_json.word_fields(word) for word in segment.words]
            }
        case _:
            return event_json.event_fields(event)


def _line(fields: dict[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"
