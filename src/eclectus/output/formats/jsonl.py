"""One line of JSON a segment: what log pipelines and data sets read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import to_json
from eclectus.output.json_fields import segment_fields
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write each segment as the object that `eclectus.output.json_fields` describes."""
    parts = (segment_fields(segment, options.timestamps) for segment in transcript.segments)
    return "".join(f"{to_json(part)}\n" for part in parts)


FORMAT = TranscriptFormat(
    name="jsonl",
    title="JSON lines",
    summary="one segment a line, the objects of `json`",
    suffix="jsonl",
    media_type="application/x-ndjson",
    grain=TimestampLevel.TOKEN,
    render=render,
)
