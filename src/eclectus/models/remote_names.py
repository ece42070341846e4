"""What a hub may call commits, checksums and branches: checked before any becomes a path.

A mirror is not trusted with this machine: a name of its own choosing must never lead out of the
cache. File names are checked by `eclectus.core.regular_files.is_file_name`.
"""

from __future__ import annotations

import re

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ETAG = re.compile(r"[A-Za-z0-9_-]{1,128}")
_REVISION = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,4}"
)


def is_commit(name: str) -> bool:
    """Return whether a text is a full commit hash (SHA-1 or SHA-256)."""
    return _COMMIT.fullmatch(name) is not None


def is_etag(name: str) -> bool:
    """Return whether an ETag may be a file name as it stands."""
    return _ETAG.fullmatch(name) is not None


def is_revision(name: str) -> bool:
    """Return whether a text may name a branch or tag, and so a file below `refs/`."""
    return _REVISION.fullmatch(name) is not None and ".." not in name
