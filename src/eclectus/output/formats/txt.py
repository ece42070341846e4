"""Plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import one_line
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write one segment a line, as Whisper's command line does."""
    del options  # nothing to choose
    return "".join(f"{one_line(segment.text)}\n" for segment in transcript.segments)


FORMAT = TranscriptFormat(
    name="txt",
    title="Plain text",
    summary="one segment a line, without times",
    suffix="txt",
    media_type="text/plain",
    grain=TimestampLevel.NONE,
    render=render,
)
