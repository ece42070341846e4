"""The record of what was pulled: exact commits and checksums, in a file beside the models.

It lies in the repository's folder of the hub's cache as `eclectus.json`. A floating revision
(`main`) stays at the commit that was pulled first until the user asks for an update.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from eclectus.core.errors import ModelFilesError
from eclectus.core.regular_files import is_file_name, read_bounded
from eclectus.models.remote_names import is_commit

FILE_NAME = "eclectus.json"
FORMAT = 1
DEFAULT_REVISION = "main"
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file as it was when it was pulled: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Lock:
    """Everything that was pulled of one repository.

    Attributes:
        repo: Hub id.
        revisions: Name of a branch or tag → commit.
        commits: Commit → file name → what it was.
    """

    repo: str
    revisions: Mapping[str, str] = field(default_factory=dict)
    commits: Mapping[str, Mapping[str, LockedFile]] = field(default_factory=dict)

    def commit(self, revision: str | None) -> str | None:
        """Commit of a revision, None if it was never pulled."""
        asked = revision or DEFAULT_REVISION
        return asked if is_commit(asked) else self.revisions.get(asked)

    def files(self, commit: str) -> Mapping[str, LockedFile]:
        """What was pulled of a commit."""
        return self.commits.get(commit, {})

    def adding(self, revision: str | None, commit: str, files: Mapping[str, LockedFile]) -> Lock:
        """The lock after a pull."""
        asked = revision or DEFAULT_REVISION
        revisions = dict(self.revisions)
        if not is_commit(asked):
            revisions[asked] = commit
        commits = {**self.commits, commit: {**self.files(commit), **files}}
        return replace(self, revisions=revisions, commits=commits)


def read_lock(path: Path, repo: str) -> Lock:
    """Read a lock; a missing file is an empty lock.

    Raises:
        ModelFilesError: The file is broken.
    """
    loaded: Any = None
    try:
        loaded = json.loads(read_bounded(path, _MOST_BYTES))
        form = loaded["format"]
        lock = Lock(repo, _revisions(loaded["revisions"]), _commits(loaded["commits"]))
    except FileNotFoundError:
        return Lock(repo)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        form = loaded.get("format", FORMAT) if isinstance(loaded, dict) else FORMAT
        raise _unusable(path, form) from error
    if form != FORMAT:
        raise _unusable(path, form)
    return lock


def _unusable(path: Path, form: object) -> ModelFilesError:
    what = "is broken" if form == FORMAT else "is of another version of eclectus"
    return ModelFilesError(f"{path} {what}; delete it and pull the model again.", path=str(path))


def _revisions(loaded: Mapping[str, Any]) -> dict[str, str]:
    if not all(isinstance(commit, str) and is_commit(commit) for commit in loaded.values()):
        raise ValueError("a revision is no commit")
    return dict(loaded)


def _commits(loaded: Mapping[str, Any]) -> dict[str, dict[str, LockedFile]]:
    names = [name for files in loaded.values() for name in files]
    if not all(map(is_commit, loaded)) or not all(map(is_file_name, names)):
        raise ValueError("a name leads out of the cache")
    return {
        commit: {
            name: LockedFile(int(values["size"]), str(values["sha256"]))
            for name, values in files.items()
        }
        for commit, files in loaded.items()
    }


def write_lock(path: Path, lock: Lock) -> None:
    """Write a lock, whole or not at all."""
    commits = {
        commit: {
            name: {"size": file.size, "sha256": file.sha256} for name, file in sorted(files.items())
        }
        for commit, files in sorted(lock.commits.items())
    }
    content = {
        "format": FORMAT,
        "repo": lock.repo,
        "revisions": dict(sorted(lock.revisions.items())),
        "commits": commits,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".json.part")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
