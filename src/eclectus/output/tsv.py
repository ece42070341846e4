"""Tab-separated segments as Whisper writes them: start and end in whole milliseconds, text."""

from __future__ import annotations

from eclectus.core.types import Transcript
from eclectus.output.clean import milliseconds

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def render(transcript: Transcript) -> str:
    r"""Write a header and one row a segment; tab and newline in a text become \t and \n."""
    rows = (
        (milliseconds(part.start), milliseconds(part.end), part.text.translate(_ESCAPES))
        for part in transcript.segments
    )
    return "".join(f"{start}\t{end}\t{text}\n" for start, end, text in (_HEADER, *rows))


_HEADER = ("start", "end", "text")
