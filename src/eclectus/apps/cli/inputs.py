"""Which files are meant: paths, folders, patterns and standard input."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from eclectus.core.errors import AudioNotFoundError, EclectusError
from eclectus.signal.media_formats import MEDIA_SUFFIXES

STDIN = "-"


@dataclass(frozen=True, slots=True)
class Input:
    """One source of audio, or why there is none.

    Attributes:
        source: The path as given or found, `-` for standard input.
        problem: What is wrong with it, known before any work.
    """

    source: str
    problem: EclectusError | None = None

    @property
    def name(self) -> str:
        """For messages."""
        return "standard input" if self.source == STDIN else self.source


def find_inputs(arguments: Iterable[str], *, recursive: bool = False) -> list[Input]:
    """Expand what was typed, in that order and each file once.

    A folder gives the media files in it (in folders of it too if `recursive`), a pattern what
    matches it, both in natural order. A path that does not exist gives an `Input` with a problem.
    """
    found: dict[str, Input] = {}
    for argument in arguments:
        for one in _expand(argument, recursive=recursive):
            same = one.source if one.source == STDIN else str(Path(one.source).absolute())
            found.setdefault(same, one)
    return list(found.values())


def _expand(argument: str, *, recursive: bool) -> Iterator[Input]:
    path = Path(argument)
    if argument == STDIN:
        yield Input(STDIN)
    elif _is_folder(path):
        yield from _folder(path, recursive=recursive)
    elif glob.has_magic(argument) and not path.exists():
        yield from _pattern(argument)
    else:
        # A name that does not exist goes on to the decoder, which knows how to say so.
        yield Input(argument)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _folder(folder: Path, *, recursive: bool) -> Iterator[Input]:
    files = media_files(folder, recursive=recursive)
    yield from (Input(str(path)) for path in files)
    if not files:
        hint = "" if recursive else "; --recursive looks into its folders too"
        problem = AudioNotFoundError(f"{folder} holds no audio or video file{hint}")
        yield Input(str(folder), problem)


def _pattern(pattern: str) -> Iterator[Input]:
    # pathlib's glob takes no absolute pattern.
    names = sorted(glob.glob(pattern, recursive=True), key=natural)  # noqa: PTH207 - see above
    files = [name for name in names if Path(name).is_file()]
    yield from (Input(name) for name in files)
    if not files:
        yield Input(pattern, AudioNotFoundError(f"no file matches {pattern}"))


def media_files(folder: Path, *, recursive: bool = False) -> list[Path]:
    """Return the media files of a folder by their suffix, hidden ones apart, in natural order."""
    listed = folder.rglob("*") if recursive else folder.iterdir()
    files = [
        path
        for path in listed
        if path.suffix.lower() in MEDIA_SUFFIXES and _visible(path, folder) and path.is_file()
    ]
    return sorted(files, key=lambda path: natural(str(path)))


def _visible(path: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key under which `part2` comes before `part10`."""
    parts = re.split(r"(\d+)", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]
