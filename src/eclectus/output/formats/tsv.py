"""Tab-separated segments as Whisper writes them: start and end in whole milliseconds, text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.output.clean import escaped, milliseconds, no_formula
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:
    from eclectus.core.types import Transcript

_HEADER = ("start", "end", "text")


def render(transcript: Transcript, options: RenderOptions) -> str:
    r"""Write a header and one row a segment; a tab or newline in a text becomes \t or \n."""
    rows = (
        (milliseconds(part.start), milliseconds(part.end), _cell(part.text, options))
        for part in transcript.segments
    )
    return "".join(f"{start}\t{end}\t{text}\n" for start, end, text in (_HEADER, *rows))


def _cell(text: str, options: RenderOptions) -> str:
    return escaped(no_formula(text) if options.escape_formulas else text)


FORMAT = TranscriptFormat(
    name="tsv",
    title="Tab-separated values",
    summary="one segment a row as Whisper writes them: `start`, `end`, `text`, times in "
    "milliseconds",
    suffix="tsv",
    media_type="text/tab-separated-values",
    grain=TimestampLevel.SEGMENT,
    render=render,
)
