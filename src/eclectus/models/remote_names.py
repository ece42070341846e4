"""What a server may call things: checked before any of it becomes part of a path.

A mirror is not trusted with this machine: a commit, an ETag or a file name of its own choosing must
never lead out of the cache.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ETAG = re.compile(r"[A-Za-z0-9_-]{1,128}")
_REVISION = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,4}"
)
_PART = re.compile(r"[^\x00-\x1f\x7f<>:\"/\\|?*]{1,200}")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_MOST_PARTS = 8


def is_commit(name: str) -> bool:
    """Return whether a text is a full commit hash (SHA-1 or SHA-256)."""
    return _COMMIT.fullmatch(name) is not None


def is_etag(name: str) -> bool:
    """Return whether an ETag may be a file name as it stands."""
    return _ETAG.fullmatch(name) is not None


def is_revision(name: str) -> bool:
    """Return whether a text may name a branch or tag, and so a file below `refs/`."""
    return _REVISION.fullmatch(name) is not None and ".." not in name


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
    """Return the path of a checked name below a folder.

    Raises:
        ValueError: The name leads out of the folder.
    """
    if not is_file_name(name):
        raise ValueError(f"{name!r} is no file name")
    return folder.joinpath(*PurePosixPath(name).parts)
