"""WebVTT subtitles (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import clock
from eclectus.output.subtitles import Cue, lay_out
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write the header and the cues; the header alone for a transcript without words."""
    return "WEBVTT\n" + "".join(map(_block, lay_out(transcript, options.subtitles)))


def _block(cue: Cue) -> str:
    times = f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}"
    return f"\n{times}\n{cue.markup(_escape)}\n"


def _escape(text: str) -> str:
    return text.translate(_ESCAPES)


FORMAT = TranscriptFormat(
    name="vtt",
    title="WebVTT subtitles",
    summary="the blocks of `srt` for web video, times in milliseconds",
    suffix="vtt",
    media_type="text/vtt",
    grain=TimestampLevel.WORD,
    render=render,
)
