"""SubRip subtitles."""

from __future__ import annotations

from eclectus.core.options import SubtitleOptions
from eclectus.core.types import Transcript
from eclectus.output.clean import clock
from eclectus.output.subtitles import Cue, lay_out


def render(transcript: Transcript, options: SubtitleOptions) -> str:
    """Write numbered blocks; no blocks for a transcript without words."""
    cues = lay_out(transcript, options)
    return "".join(_block(number, cue) for number, cue in enumerate(cues, start=1))


def _block(number: int, cue: Cue) -> str:
    times = f"{clock(cue.start_ms, ',')} --> {clock(cue.end_ms, ',')}"
    # Some players drop a last block that no empty line follows.
    return f"{number}\n{times}\n{cue.markup(_escape)}\n\n"


def _escape(text: str) -> str:
    # SubRip has no escapes; only what a parser could take for a line of times is changed.
    return text.replace("-->", "→")
