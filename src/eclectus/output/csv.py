"""Comma-separated segments for spreadsheets, times in seconds."""

from __future__ import annotations

import csv
import io

from eclectus.core.types import Segment, Transcript
from eclectus.output.clean import one_line, rounded

HEADER = ("start", "end", "text", "confidence", "speaker", "channel")


def render(transcript: Transcript) -> str:
    """Write a header and one row a segment; what is missing is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(map(_row, transcript.segments))
    return out.getvalue()


def _row(segment: Segment) -> tuple[object, ...]:
    return (
        f"{segment.start:.3f}",
        f"{segment.end:.3f}",
        one_line(segment.text),
        rounded(segment.confidence, 4),
        segment.speaker,
        segment.channel,
    )
