"""Transcripts in the shapes that came with Whisper, for clients of OpenAI and whisper.cpp."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from fastapi import Response
from fastapi.responses import PlainTextResponse

from eclectus.core.types import Segment, Token, Transcript, Word
from eclectus.output.registry import format_named, render
from eclectus.output.transcript_format import RenderOptions
from eclectus.service.service import SpeechService


class ResponseFormat(StrEnum):
    """OpenAI's response formats."""

    JSON = "json"
    TEXT = "text"
    SRT = "srt"
    VERBOSE_JSON = "verbose_json"
    VTT = "vtt"
    DIARIZED_JSON = "diarized_json"


class Granularity(StrEnum):
    """What carries times in verbose_json."""

    WORD = "word"
    SEGMENT = "segment"


def written(transcript: Transcript, wanted: ResponseFormat, service: SpeechService) -> Response:
    """Return the response in one of the formats that are text: `text`, `srt` or `vtt`."""
    if wanted is ResponseFormat.TEXT:
        return PlainTextResponse(transcript.text + "\n")
    file = format_named(wanted.value)  # the other words are names of our formats
    options = RenderOptions.of(service.settings.output, service.settings.subtitles)
    text = render(transcript, file.name, options)
    # As OpenAI has it: what has no type of text of its own is plain text.
    media = file.media_type if file.media_type.startswith("text/") else "text/plain"
    return Response(text, media_type=f"{media}; charset=utf-8")


def usage(transcript: Transcript) -> dict[str, Any]:
    """Return what was used: whole seconds of audio, rounded up."""
    return {"type": "duration", "seconds": math.ceil(transcript.duration)}


def verbose(transcript: Transcript, granularities: Sequence[Granularity]) -> dict[str, Any]:
    """Return the `verbose_json` shape: segments unless words alone are asked for."""
    shape: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language or "unknown",
        "duration": round(transcript.duration, 3),
        "text": transcript.text,
        "usage": usage(transcript),
    }
    if Granularity.WORD in granularities:
        shape["words"] = [_word(word) for word in transcript.words]
    if not granularities or Granularity.SEGMENT in granularities:
        shape["segments"] = [
            _segment(number, segment) for number, segment in enumerate(transcript.segments)
        ]
    return shape


def tokens_of(words: Sequence[Word]) -> list[Token]:
    """Return the tokens that have a part in the text of words."""
    return [token for word in words for token in word.tokens]


def _word(word: Word) -> dict[str, Any]:
    return {"word": word.text, "start": round(word.start, 3), "end": round(word.end, 3)}


def _segment(number: int, segment: Segment) -> dict[str, Any]:
    tokens = tokens_of(segment.words)
    text = segment.text.encode()
    return {
        "id": number,
        "seek": round(segment.start * 100),
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "text": segment.text,
        "tokens": [token.id for token in tokens],
        "temperature": 0.0,
        "avg_logprob": round(_mean_log(tokens), 4),
        "compression_ratio": round(len(text) / max(1, len(zlib.compress(text))), 4),
        "no_speech_prob": 0.0,
    }


def _mean_log(tokens: Sequence[Token]) -> float:
    if not tokens:
        return 0.0
    return sum(token.log_prob for token in tokens) / len(tokens)
