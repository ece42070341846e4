"""SubRip subtitles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import clock
from eclectus.output.subtitles import Cue, lay_out
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write numbered blocks; no blocks for a transcript without words."""
    cues = lay_out(transcript, options.subtitles)
    return "".join(_block(number, cue) for number, cue in enumerate(cues, start=1))


def _block(number: int, cue: Cue) -> str:
    times = f"{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}"
    # Some players drop a last block that no empty line follows.
    return f"{number}\n{times}\n{cue.markup(_escape)}\n\n"


def _escape(text: str) -> str:
    # SubRip has no escapes; only what a parser could take for a line of times is changed.
    return text.replace("-->", "→")


FORMAT = TranscriptFormat(
    name="srt",
    title="SubRip subtitles",
    summary="numbered blocks of one or two lines, times in milliseconds",
    suffix="srt",
    media_type="application/x-subrip",
    grain=TimestampLevel.WORD,
    render=render,
)
