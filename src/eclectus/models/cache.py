"""The hub's cache on disk, read without the hub's client.

The layout is the one that huggingface_hub documents, so models that other tools fetched are found
and ours are found by them: `models--owner--name/{blobs,refs,snapshots/<commit>}`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelError, ModelFilesError, OptionError
from eclectus.core.regular_files import below, is_within
from eclectus.models.card import read_card
from eclectus.models.layout import CONFIG, Selection, select
from eclectus.models.lock import DEFAULT_REVISION, FILE_NAME, Lock, read_lock
from eclectus.models.remote_names import is_commit, is_etag, is_revision

_PREFIX = "models--"
PART_SUFFIX = ".eclectus-part"


@dataclass(frozen=True, slots=True)
class RepoCache:
    """One repository's place in the cache.

    Attributes:
        root: The cache.
        repo: Hub id.
    """

    root: Path
    repo: str

    @property
    def folder(self) -> Path:
        """Everything of this repository."""
        return self.root / (_PREFIX + self.repo.replace("/", "--"))

    @property
    def lock_path(self) -> Path:
        """Where the record of pulls lies."""
        return self.folder / FILE_NAME

    def lock(self) -> Lock:
        """The record of pulls; empty if there is none."""
        return read_lock(self.lock_path, self.repo)

    def snapshot(self, commit: str) -> Path:
        """Folder of the files of a commit.

        Raises:
            ModelFilesError: It is no commit hash.
        """
        if not is_commit(commit):
            raise ModelFilesError(f"{commit!r} is no commit of {self.repo}.", repo=self.repo)
        return self.folder / "snapshots" / commit

    def blob(self, etag: str) -> Path:
        """Where the bytes of a file lie.

        Raises:
            ModelFilesError: The ETag is none that may be a file name.
        """
        if not is_etag(etag):
            raise ModelFilesError(
                f"{etag[:80]!r} is no checksum of a file of {self.repo}.", repo=self.repo
            )
        return self.folder / "blobs" / etag

    def put(self, commit: str, name: str, blob: Path) -> Path:
        """Give the bytes of a blob their name in a snapshot: a relative link, else the file itself.

        Returns:
            The path in the snapshot.
        """
        path = below(self.snapshot(commit), name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            path.symlink_to(os.path.relpath(blob, path.parent))
        except OSError:  # file systems and users of Windows without links
            blob.replace(path)
        return path

    def drop(self, path: Path) -> None:
        """Delete a damaged file of a snapshot with its bytes, but nothing outside the cache."""
        bytes_ = path.resolve()
        if is_within(bytes_, self.folder):
            bytes_.unlink(missing_ok=True)
        path.unlink(missing_ok=True)

    def point(self, revision: str | None, commit: str) -> None:
        """Record where a branch or tag stood, as the hub's client does."""
        name = revision or DEFAULT_REVISION
        if is_commit(name) or not is_revision(name):
            return
        ref = below(self.folder / "refs", name)
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(commit, encoding="ascii")

    def partial_size(self) -> int:
        """Bytes of downloads that were broken off."""
        parts = self.folder.glob(f"blobs/*{PART_SUFFIX}")
        return sum(part.stat().st_size for part in parts)

    def commit(self, revision: str | None) -> str | None:
        """Commit of a revision: as our lock has it, else as the hub's client left it."""
        locked = self.lock().commit(revision)
        if locked is not None:
            return locked
        name = revision or DEFAULT_REVISION
        if not is_revision(name):
            return None
        try:
            commit = below(self.folder / "refs", name).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return commit if is_commit(commit) else None

    def pulled(self, revision: str | None, precision: Precision) -> Path | None:
        """Snapshot that our own pull left whole for a precision, None if there is none."""
        commit = self.commit(revision)
        if commit is None:
            return None
        files = self.lock().files(commit)
        snapshot = self.snapshot(commit)
        if not files or try_select(list(files), precision, snapshot) is None:
            return None
        whole = all(_has_size(snapshot / name, file.size) for name, file in files.items())
        return snapshot if whole else None

    def found(self, revision: str | None, precision: Precision) -> Path | None:
        """Snapshot that holds the files of a precision, whoever fetched them."""
        commit = self.commit(revision)
        if commit is None:
            return None
        snapshot = self.snapshot(commit)
        names = [path.name for path in snapshot.iterdir()] if snapshot.is_dir() else []
        return snapshot if try_select(names, precision, snapshot) is not None else None

    def size(self) -> int:
        """Bytes on disk, partial downloads included."""
        files = (path for path in self.folder.rglob("*") if not path.is_symlink())
        return sum(path.stat().st_size for path in files if path.is_file())

    def remove(self) -> int:
        """Delete everything of this repository and return the bytes that it took.

        Raises:
            ModelFilesError: It can't be deleted.
        """
        size = self.size()
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise ModelFilesError(
                f"{self.folder} can't be deleted: {error.strerror or error}.",
                path=str(self.folder),
            ) from error
        return size


def try_select(names: list[str], precision: Precision, where: Path) -> Selection | None:
    """`select`, or None where it would raise."""
    try:
        head = read_card(where / CONFIG).head
        return select(names, precision, where=str(where), head=head)
    except (ModelError, OptionError):
        return None


def repositories(root: Path) -> Iterator[RepoCache]:
    """Every model repository in a cache, by name."""
    if not root.is_dir():
        return
    for folder in sorted(root.iterdir()):
        owner, separator, name = folder.name.removeprefix(_PREFIX).partition("--")
        if folder.is_dir() and folder.name.startswith(_PREFIX) and separator:
            yield RepoCache(root, f"{owner}/{name}")


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except OSError:
        return False
