"""Fetches the files of one precision, checks them, and records what they are."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelDownloadError, OptionError
from eclectus.core.options import HubOptions
from eclectus.models.cache import RepoCache
from eclectus.models.card import read_card
from eclectus.models.catalog import Export
from eclectus.models.checksums import sha256_of
from eclectus.models.layout import CONFIG, Selection, select
from eclectus.models.lock import LockedFile, write_lock
from eclectus.models.references import HubReference
from eclectus.models.remote_files import Listing, RemoteFile
from eclectus.models.store import DownloadProgress, HubClient, free_space_message
from eclectus.networks.graph_facts import describe

# Disk space that a download leaves free.
_MARGIN_BYTES = 64 * 1024 * 1024


def pull(
    reference: HubReference,
    precision: Precision,
    options: HubOptions,
    *,
    update: bool = False,
    on_progress: DownloadProgress | None = None,
) -> Path:
    """Fetch a model.

    Only the files of the wanted precision are fetched. A floating revision stays at the commit of
    the first pull unless `update` is set.

    Returns:
        The folder with the files.

    Raises:
        OptionError: No repository of this model has the precision.
        ModelFilesError: The repository holds no whole model.
        IncompatibleModelError: It holds no ONNX files.
        ModelDownloadError: It did not arrive.
    """
    export = _choose(reference, precision)
    client = HubClient(options)
    cache = RepoCache(client.root, export.repo)
    lock = cache.lock()
    known = None if update else lock.commit(export.revision)
    listing = client.listing(export.repo, known or export.revision)
    selection = _select(client, listing, precision, on_progress)
    wanted = _wanted(listing, selection)
    _check_room(cache, listing, wanted)
    paths = {name: client.download(listing, name, on_progress) for name in wanted}
    for name in _external(paths, selection, listing):
        paths[name] = client.download(listing, name, on_progress)
    files = {name: _locked(path, listing.files[name]) for name, path in paths.items()}
    cache.point(export.revision, listing.commit)
    write_lock(cache.lock_path, lock.adding(export.revision, listing.commit, files))
    return cache.snapshot(listing.commit)


def _locked(path: Path, remote: RemoteFile) -> LockedFile:
    """The record of a file; a large one's checksum was compared just now."""
    return LockedFile(path.stat().st_size, remote.sha256 or sha256_of(path))


def _choose(reference: HubReference, precision: Precision) -> Export:
    exports = reference.having(precision)
    if exports:
        return exports[0]
    available = tuple(dict.fromkeys(p for one in reference.exports for p in one.precisions))
    raise OptionError(
        f"{reference.name} is not published in {precision}; there is {', '.join(available)}.",
        name=reference.name,
        precision=str(precision),
        available=[str(p) for p in available],
    )


def _select(
    client: HubClient, listing: Listing, precision: Precision, on_progress: DownloadProgress | None
) -> Selection:
    """Choose among the hub's files; `config.json` decides if there are two models."""
    head = None
    if CONFIG in listing.files:
        head = read_card(client.download(listing, CONFIG, on_progress)).head
    return select(listing.files, precision, where=listing.repo, head=head)


def _wanted(listing: Listing, selection: Selection) -> list[str]:
    """Return the files to fetch: small ones first, so that a wrong repository fails early."""
    names = {selection.vocabulary, *selection.graphs, *_companions(listing, selection.graphs)}
    if CONFIG in listing.files:
        names.add(CONFIG)
    return sorted(names, key=lambda name: (listing.files[name].size or 0, name))


def _companions(listing: Listing, graphs: Iterable[str]) -> set[str]:
    """Return the files that hold a graph's weights by their names, before the graph is read."""
    found = set()
    for graph in graphs:
        weights = graph.removesuffix(".onnx") + ".weights"
        for name in listing.files:
            if name == weights or name in {f"{graph}.data", f"{graph}_data"}:
                found.add(name)
    return found


def _external(paths: dict[str, Path], selection: Selection, listing: Listing) -> list[str]:
    """Return further files that the graphs refer to."""
    named = {name for graph in selection.graphs for name in describe(paths[graph]).external_bytes}
    return sorted(name for name in named - paths.keys() if name in listing.files)


def _check_room(cache: RepoCache, listing: Listing, wanted: list[str]) -> None:
    snapshot = cache.snapshot(listing.commit)
    missing = (name for name in wanted if not (snapshot / name).exists())
    needed = sum(listing.files[name].size or 0 for name in missing) - cache.partial_size()
    place = cache.root
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > 0 and needed + _MARGIN_BYTES > free:
        raise ModelDownloadError(
            free_space_message(needed, free, cache.root), needed=needed, free=free
        )
