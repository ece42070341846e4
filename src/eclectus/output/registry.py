"""The formats by name: every module of `eclectus.output.formats`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from eclectus.core.choices import TimestampLevel
from eclectus.core.errors import OptionError
from eclectus.output import formats
from eclectus.output.clean import without_surrogates
from eclectus.output.transcript_format import RenderOptions, TranscriptFormat

if TYPE_CHECKING:  # the command line lists the formats without loading NumPy
    from eclectus.core.types import Transcript

ALL = "all"

_DEFAULTS = RenderOptions()


def _discover() -> dict[str, TranscriptFormat]:
    """Import every module of the folder; those with the coarsest times come first."""
    names = (module.name for module in pkgutil.iter_modules(formats.__path__))
    found: list[TranscriptFormat] = [
        import_module(f"{formats.__name__}.{name}").FORMAT for name in names
    ]
    grains = list(TimestampLevel)
    found.sort(key=lambda one: (grains.index(one.grain), one.name))
    return {one.name: one for one in found}


FORMATS: Mapping[str, TranscriptFormat] = MappingProxyType(_discover())


def render(
    transcript: Transcript,
    format: str,  # noqa: A002 - the word that the command line and callers use
    options: RenderOptions = _DEFAULTS,
) -> str:
    """Write a transcript in one format, the whole text of the file.

    Args:
        transcript: An empty one gives a valid empty file.
        format: A name in `FORMATS`.
        options: What shapes the text.

    Returns:
        Text that UTF-8 can hold, without control characters other than newlines and the tabs
        between fields.

    Raises:
        OptionError: There is no such format, or the subtitle options are impossible.
    """
    return without_surrogates(format_named(format).render(transcript, options))


def format_named(name: str) -> TranscriptFormat:
    """Return a format by its name, in any case and with or without a dot before it.

    Raises:
        OptionError: There is no such format; the message has the names and the nearest one.
    """
    wanted = name.lower().removeprefix(".")
    if wanted in FORMATS:
        return FORMATS[wanted]
    near = get_close_matches(wanted, FORMATS, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise OptionError(
        f"There is no output format {name!r}; there are {listing()}.{hint}", format=name
    )


def expand_formats(names: Iterable[str]) -> tuple[str, ...]:
    """Check names of formats and write `all` out; each format comes once, in order.

    Raises:
        OptionError: There is no such format, or none is named.
    """
    expanded: dict[str, None] = {}
    for name in names:
        wanted = FORMATS if name.lower() == ALL else (format_named(name).name,)
        expanded.update(dict.fromkeys(wanted))
    if not expanded:
        raise OptionError(f"No output format is named; there are {listing()}.")
    return tuple(expanded)


def listing(names: Iterable[str] = (*FORMATS, ALL), last: str = ", ") -> str:
    """Return names as a list for people, `last` before the final one."""
    *others, final = names
    return f"{', '.join(others)}{last}{final}"
