"""Checks the files of a model against what was recorded when they were pulled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelFilesError
from eclectus.core.options import HubOptions
from eclectus.models.cache import RepoCache
from eclectus.models.checksums import sha256_of
from eclectus.models.folder import read_reference
from eclectus.models.layout import find_layouts
from eclectus.models.lock import LockedFile
from eclectus.models.references import FolderReference, HubReference, Reference
from eclectus.models.store import HubClient


class FileState(StrEnum):
    """The result of a check."""

    GOOD = "good"
    MISSING = "missing"
    WRONG_SIZE = "wrong size"
    WRONG_CHECKSUM = "wrong checksum"
    UNRECORDED = "no checksum"


@dataclass(frozen=True, slots=True)
class FileCheck:
    """One file and its state; `unrecorded` files were read, but no checksum is known."""

    path: Path
    state: FileState

    @property
    def good(self) -> bool:
        """Whether no fault was found."""
        return self.state in {FileState.GOOD, FileState.UNRECORDED}


def verify(reference: Reference, options: HubOptions) -> tuple[FileCheck, ...]:
    """Hash every file of a model again and compare; then read the folder as loading does.

    A folder of the user's has no recorded checksums: its files are checked to be there, whole as
    graphs, and of one model.

    Raises:
        ModelFilesError: The model is not here, or its files do not fit together.
        IncompatibleModelError: The files are of a model that eclectus can't run.
    """
    if isinstance(reference, FolderReference):
        return _verify_folder(reference)
    return _verify_pulled(reference, options)


def _verify_folder(reference: FolderReference) -> tuple[FileCheck, ...]:
    paths = _read_all(reference, reference.path)
    return tuple(FileCheck(path, FileState.UNRECORDED) for path in paths)


def _read_all(reference: Reference, folder: Path) -> list[Path]:
    """Read a folder in every precision that it has and return the files, each once."""
    layouts = find_layouts(path.name for path in folder.iterdir())
    there = dict.fromkeys(p for one in layouts for p in one.precisions if one.complete(p))
    precisions = list(there) or [Precision.AUTO]
    models = [read_reference(reference, folder, precision) for precision in precisions]
    return list(dict.fromkeys(path for model in models for path in model.paths))


def _verify_pulled(reference: HubReference, options: HubOptions) -> tuple[FileCheck, ...]:
    root = HubClient(options).root
    checks: list[FileCheck] = []
    for export in reference.exports:
        cache = RepoCache(root, export.repo)
        for commit, files in cache.lock().commits.items():
            snapshot = cache.snapshot(commit)
            found = [_check(snapshot / name, file) for name, file in files.items()]
            if all(check.good for check in found):
                _read_all(reference, snapshot)
            checks += found
    if not checks:
        raise ModelFilesError(
            f"{reference.name} was not pulled by eclectus on this machine: there is nothing to "
            "compare with. `eclectus models pull` fetches and records it.",
            name=reference.name,
        )
    return tuple(checks)


def _check(path: Path, file: LockedFile) -> FileCheck:
    if not path.exists():
        return FileCheck(path, FileState.MISSING)
    if path.stat().st_size != file.size:
        return FileCheck(path, FileState.WRONG_SIZE)
    if sha256_of(path) != file.sha256:
        return FileCheck(path, FileState.WRONG_CHECKSUM)
    return FileCheck(path, FileState.GOOD)
