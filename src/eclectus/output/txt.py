"""Plain text."""

from __future__ import annotations

from eclectus.core.types import Transcript
from eclectus.output.clean import one_line


def render(transcript: Transcript) -> str:
    """Write one segment a line, as Whisper's command line does."""
    return "".join(f"{one_line(segment.text)}\n" for segment in transcript.segments)
