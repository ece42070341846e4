"""Files that strangers name or send: read only if they are files, and only so much of them."""

from __future__ import annotations

import errno
import os
import re
import stat
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_PART = re.compile(r"[^\x00-\x1f\x7f<>:\"/\\|?*]{1,200}")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_MOST_PARTS = 8


def expanded(path: Path) -> Path:
    """Return a path with `~` written out; as it is where there is no such home."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a pipe, a device or a folder is none.

    Raises:
        OSError: It is not there, may not be read, or is no regular file.
    """
    # Without O_NONBLOCK, opening a pipe would wait for its writer.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def read_bounded(path: Path, most_bytes: int) -> bytes:
    """Return the content of a regular file.

    Raises:
        OSError: As `open_regular`, or it has more bytes than that.
    """
    with open_regular(path) as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes", str(path))
    return data


def is_file_name(name: object) -> bool:
    """Return whether a text is a relative path that every file system takes as one.

    No part is empty, `.`, `..`, a device of Windows, or ends in a dot or a space; none has a
    control character, a backslash or a colon.
    """
    if not isinstance(name, str):
        return False
    parts = name.split("/")
    return len(parts) <= _MOST_PARTS and all(_is_part(part) for part in parts)


def _is_part(part: str) -> bool:
    return (
        _PART.fullmatch(part) is not None
        and not part.endswith((".", " "))
        and _DEVICES.fullmatch(part) is None
    )


def is_within(path: Path, folder: Path) -> bool:
    """Return whether a path, its links followed, lies below a folder."""
    return path.resolve().is_relative_to(folder.resolve())


def below(folder: Path, name: str) -> Path:
    """Return the path of a name below a folder.

    Raises:
        ValueError: The name leads out of the folder.
    """
    if not is_file_name(name):
        raise ValueError(f"{name!r} is no file name")
    return folder.joinpath(*PurePosixPath(name).parts)
