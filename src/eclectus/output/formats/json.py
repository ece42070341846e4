"""One JSON document a transcript; `eclectus.output.json_fields` has its shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import to_json
from eclectus.output.json_fields import transcript_fields
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write the document, indented, with a newline at the end."""
    return to_json(transcript_fields(transcript, options.timestamps), indent=2) + "\n"


FORMAT = TranscriptFormat(
    name="json",
    title="JSON with all times",
    summary="one document with segments, words and, if asked for, tokens, times in seconds",
    suffix="json",
    media_type="application/json",
    grain=TimestampLevel.TOKEN,
    render=render,
)
