"""WebVTT subtitles (https://www.w3.org/TR/webvtt1/)."""

from __future__ import annotations

from eclectus.core.options import SubtitleOptions
from eclectus.core.types import Transcript
from eclectus.output.clean import clock
from eclectus.output.subtitles import Cue, lay_out

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def render(transcript: Transcript, options: SubtitleOptions) -> str:
    """Write the header and the cues; the header alone for a transcript without words."""
    return "WEBVTT\n" + "".join(map(_block, lay_out(transcript, options)))


def _block(cue: Cue) -> str:
    times = f"{clock(cue.start_ms, '.')} --> {clock(cue.end_ms, '.')}"
    return f"\n{times}\n{cue.markup(_escape)}\n"


def _escape(text: str) -> str:
    return text.translate(_ESCAPES)
