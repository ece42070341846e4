"""Timed lyrics (LRC), which players of music and audiobooks show line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import milliseconds, one_line
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript

# LRC has no escapes; only what a player could take for a time is changed.
_TIME = re.compile(r"[\[<](\d+:\d+(?:[.:]\d+)?)[\]>]")


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write one segment a line behind the time at which it begins."""
    del options  # nothing to choose
    lines = ((part.start, one_line(part.text)) for part in transcript.segments)
    return "".join(f"[{_clock(start)}]{_escape(text)}\n" for start, text in lines)


def _escape(text: str) -> str:
    return _TIME.sub(r"(\1)", text)


def _clock(seconds: float) -> str:
    # Down, never up: a line doesn't begin after its first word.
    minutes, rest_ms = divmod(milliseconds(seconds), 60_000)
    return f"{minutes:02d}:{rest_ms // 1000:02d}.{rest_ms % 1000 // 10:02d}"


FORMAT = TranscriptFormat(
    name="lrc",
    title="Timed lyrics",
    summary="one segment a line behind its start as `[mm:ss.xx]`, for players of music and "
    "audiobooks",
    suffix="lrc",
    media_type="text/plain",
    grain=TimestampLevel.SEGMENT,
    render=render,
)
