"""One line of JSON a segment: what log pipelines and data sets read."""

from __future__ import annotations

import json

from eclectus.core.choices import TimestampLevel
from eclectus.core.types import Transcript
from eclectus.output.json import segment_fields


def render(transcript: Transcript, level: TimestampLevel) -> str:
    """Write each segment as the object that `eclectus.output.json` describes."""
    lines = (
        json.dumps(segment_fields(segment, level), ensure_ascii=False, allow_nan=False)
        for segment in transcript.segments
    )
    return "".join(f"{line}\n" for line in lines)
