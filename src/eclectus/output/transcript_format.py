"""What a format of transcripts is: its names for people and machines, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.core.options import OutputOptions, SubtitleOptions

if TYPE_CHECKING:  # the command line lists the formats without loading NumPy
    from eclectus.core.types import Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderOptions:
    """What shapes the text of a file; each format uses what concerns it.

    Attributes:
        subtitles: Layout of the formats that divide the text into cues.
        timestamps: The finest times in the formats that choose.
        escape_formulas: In tables, write an apostrophe before a text that a spreadsheet would
            take for a formula.
    """

    subtitles: SubtitleOptions = SubtitleOptions()
    timestamps: TimestampLevel = TimestampLevel.WORD
    escape_formulas: bool = False

    @classmethod
    def of(cls, output: OutputOptions, subtitles: SubtitleOptions) -> RenderOptions:
        """Take what concerns the text from the settings of results."""
        return cls(
            subtitles=subtitles,
            timestamps=output.timestamps,
            escape_formulas=output.escape_formulas,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptFormat:
    """A kind of file that a transcript can be written as.

    Attributes:
        name: What callers, flags and settings call it; lower case.
        title: What a person reads on a button.
        summary: What the file holds, as Markdown without a full stop.
        suffix: Of file names, without the dot.
        media_type: For HTTP, without a charset; the text is UTF-8.
        grain: The finest part of a transcript whose times the file depends on.
        render: Returns the whole text of the file; an empty transcript gives a valid empty file.
    """

    name: str
    title: str
    summary: str
    suffix: str
    media_type: str
    grain: TimestampLevel
    render: Callable[[Transcript, RenderOptions], str]
