"""The formats by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from eclectus.core.choices import TimestampLevel
from eclectus.core.errors import OptionError
from eclectus.core.options import SubtitleOptions
from eclectus.core.types import Transcript
from eclectus.output import csv, json, jsonl, srt, tsv, txt, vtt

Renderer = Callable[[Transcript, SubtitleOptions, TimestampLevel], str]

# A format's name is its file suffix too.
FORMATS: Mapping[str, Renderer] = MappingProxyType(
    {
        "txt": lambda transcript, _subtitles, _level: txt.render(transcript),
        "srt": lambda transcript, subtitles, _level: srt.render(transcript, subtitles),
        "vtt": lambda transcript, subtitles, _level: vtt.render(transcript, subtitles),
        "json": lambda transcript, _subtitles, level: json.render(transcript, level),
        "jsonl": lambda transcript, _subtitles, level: jsonl.render(transcript, level),
        "csv": lambda transcript, _subtitles, _level: csv.render(transcript),
        "tsv": lambda transcript, _subtitles, _level: tsv.render(transcript),
    }
)

ALL = "all"

_SUBTITLES = SubtitleOptions()


def render(
    transcript: Transcript,
    format: str,  # noqa: A002 - the word that the command line and callers use
    subtitles: SubtitleOptions = _SUBTITLES,
    timestamps: TimestampLevel = TimestampLevel.WORD,
) -> str:
    """Write a transcript in one format, the whole text of the file.

    Args:
        transcript: An empty one gives a valid empty file.
        format: A name in `FORMATS`.
        subtitles: Layout of srt and vtt.
        timestamps: Finest times in json and jsonl.

    Raises:
        OptionError: There is no such format, or the subtitle options are impossible.
    """
    return FORMATS[_known(format)](transcript, subtitles, timestamps)


def expand_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Check names of formats and write `all` out; each format comes once, in order.

    Raises:
        OptionError: There is no such format, or none is named.
    """
    expanded: dict[str, None] = {}
    for name in names:
        wanted = FORMATS if name.lower() == ALL else (_known(name),)
        expanded.update(dict.fromkeys(wanted))
    if not expanded:
        raise OptionError(f"No output format is named; there are {_listing()}.")
    return tuple(expanded)


def _known(name: str) -> str:
    wanted = name.lower().removeprefix(".")
    if wanted in FORMATS:
        return wanted
    near = get_close_matches(wanted, FORMATS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise OptionError(
        f"There is no output format {name!r}; there are {_listing()}.{hint}", format=name
    )


def _listing() -> str:
    return ", ".join((*FORMATS, ALL))
