"""The models on this machine: found by name, listed, removed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelFilesError, OptionError
from eclectus.core.options import HubOptions
from eclectus.models import catalog
from eclectus.models.cache import RepoCache, repositories
from eclectus.models.layout import find_layouts
from eclectus.models.pull import pull
from eclectus.models.references import FolderReference, HubReference, Reference
from eclectus.models.store import HubClient


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A repository in the cache.

    Attributes:
        name: Catalogue name, or the hub id.
        repo: Hub id.
        commit: Of the newest snapshot with a model.
        precisions: What is there.
        size: Bytes on disk.
        locked: Whether eclectus pulled it and has its checksums.
        path: Folder of the files.
    """

    name: str
    repo: str
    commit: str
    precisions: tuple[Precision, ...]
    size: int
    locked: bool
    path: Path


def locate(reference: Reference, options: HubOptions, precision: Precision) -> Path | None:
    """Return the folder of a model that is complete on this machine; None if it must be pulled."""
    if isinstance(reference, FolderReference):
        return reference.path
    root = HubClient(options).root
    for export in reference.having(precision):
        cache = RepoCache(root, export.repo)
        path = cache.pulled(export.revision, precision)
        if path is None and options.offline:
            # Fetched by another tool: has no recorded checksums, so only if no pull is possible.
            path = cache.found(export.revision, precision)
        if path is not None:
            return path
    return None


def ensure(
    reference: Reference,
    options: HubOptions,
    precision: Precision = Precision.AUTO,
) -> Path:
    """Return the folder of a model, pulled first if it is not on this machine.

    Raises:
        ModelError: See `eclectus.models.pull.pull`.
    """
    path = locate(reference, options, precision)
    if path is None and isinstance(reference, HubReference):
        path = pull(reference, precision, options)
    if path is None:  # pragma: no cover - a folder is always located
        raise ModelFilesError(f"There is no model {reference}.")
    return path


def local_models(options: HubOptions) -> tuple[LocalModel, ...]:
    """Return every model in the cache that eclectus pulled or that is in the catalogue."""
    found = (_local(cache) for cache in repositories(HubClient(options).root))
    return tuple(model for model in found if model is not None)


def _local(cache: RepoCache) -> LocalModel | None:
    known = catalog.find_export(cache.repo)
    locked = cache.lock_path.exists()
    if known is None and not locked:
        return None
    for snapshot in sorted(cache.folder.glob("snapshots/*"), key=_age, reverse=True):
        names = [path.name for path in snapshot.iterdir() if path.exists()]
        layouts = find_layouts(names)
        precisions = dict.fromkeys(p for one in layouts for p in one.precisions if one.complete(p))
        if precisions:
            return LocalModel(
                name=known[0].name if known else cache.repo,
                repo=cache.repo,
                commit=snapshot.name,
                precisions=tuple(precisions),
                size=cache.size(),
                locked=locked,
                path=snapshot,
            )
    return None


def _age(path: Path) -> float:
    return path.stat().st_mtime


def remove(reference: Reference, options: HubOptions) -> int:
    """Delete everything of a model from the cache.

    Returns:
        Bytes that were freed.

    Raises:
        OptionError: It is a folder, or the model that the package ships: not ours to delete.
        ModelFilesError: It is not here.
    """
    if isinstance(reference, FolderReference):
        what = "is part of the package" if reference.builtin else "is a folder of yours"
        raise OptionError(f"{reference.path} {what}: eclectus deletes only models that it pulled.")
    root = HubClient(options).root
    caches = [RepoCache(root, export.repo) for export in reference.exports]
    there = [cache for cache in caches if cache.folder.is_dir()]
    if not there:
        raise ModelFilesError(f"{reference.name} is not on this machine.", name=reference.name)
    return sum(cache.remove() for cache in there)
