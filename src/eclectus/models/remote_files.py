"""What a hub lists: the files of a repository at one commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclectus.models.checksums import git_blob_id, sha256_of


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """What the hub says about a file; None where it does not say.

    Attributes:
        size: Bytes.
        sha256: Checksum of a large file.
        blob_id: Git's checksum of a small file.
    """

    size: int | None = None
    sha256: str | None = None
    blob_id: str | None = None

    def matches(self, path: Path) -> bool:
        """Whether a file on disk is this one, as far as the hub says."""
        if self.size is not None and path.stat().st_size != self.size:
            return False
        if self.sha256 is not None:
            return sha256_of(path) == self.sha256
        return self.blob_id is None or git_blob_id(path) == self.blob_id


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository at one commit."""

    repo: str
    commit: str
    files: Mapping[str, RemoteFile]


def remote_file(item: Any) -> RemoteFile:
    """Take what the hub's client says of a file."""
    lfs = getattr(item, "lfs", None)
    digest = getattr(lfs, "sha256", None) if lfs is not None else None
    return RemoteFile(
        size=getattr(item, "size", None),
        sha256=digest,
        blob_id=None if digest else getattr(item, "blob_id", None),
    )
