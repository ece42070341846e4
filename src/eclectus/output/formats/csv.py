"""Comma-separated segments for spreadsheets, times in seconds."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import no_formula, one_line, rounded
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Segment, Transcript

HEADER = ("start", "end", "text", "confidence", "speaker", "channel")


def render(transcript: Transcript, options: RenderOptions) -> str:
    """Write a header and one row a segment; what is missing is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_row(segment, options) for segment in transcript.segments)
    return out.getvalue()


def _row(segment: Segment, options: RenderOptions) -> tuple[object, ...]:
    return (
        f"{segment.start:.3f}",
        f"{segment.end:.3f}",
        _cell(segment.text, options),
        rounded(segment.confidence, 4),
        _cell(segment.speaker or "", options),
        segment.channel,
    )


def _cell(text: str, options: RenderOptions) -> str:
    line = one_line(text)
    return no_formula(line) if options.escape_formulas else line


FORMAT = TranscriptFormat(
    name="csv",
    title="Comma-separated values",
    summary=f"one segment a row for spreadsheets: `{','.join(HEADER)}`, times in seconds",
    suffix="csv",
    media_type="text/csv",
    grain=TimestampLevel.SEGMENT,
    render=render,
)
