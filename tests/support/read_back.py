"""Reads files of transcripts back; each format has a module in `tests/support/format_readers`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)%s(\d{3})"


@dataclass(frozen=True, slots=True)
class Row:
    """A line, a block or a record of a file.

    Attributes:
        text: Its lines joined by newlines, escapes resolved.
        start_ms: None where the format holds no times.
        end_ms: None where the format holds no ends.
    """

    text: str
    start_ms: int | None = None
    end_ms: int | None = None

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")


def reader_of(name: str) -> Callable[[str], list[Row]]:
    """Return the reader of a format; it refuses text that it can't read as a whole."""
    module = f"tests.support.format_readers.{name}"
    assert find_spec(module) is not None, f"{name} needs a reader for its tests: add {module}"
    reader: Callable[[str], list[Row]] = import_module(module).read
    return reader


def block(lines: list[str], separator: str) -> Row:
    """Read a line of times and the lines of text below it."""
    time = TIME % re.escape(separator)
    match = re.fullmatch(f"{time} --> {time}", lines[0])
    assert match is not None, lines
    assert len(lines) > 1
    edges = match.groups()
    return Row("\n".join(lines[1:]), _milliseconds(edges[:4]), _milliseconds(edges[4:]))


def _milliseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, thousandths = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths
