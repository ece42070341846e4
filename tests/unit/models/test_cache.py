"""The hub's cache, read without its client."""

from pathlib import Path

import pytest

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelFilesError
from eclectus.models.cache import RepoCache, repositories
from eclectus.models.lock import Lock, LockedFile, write_lock

COMMIT = "c" * 40
NAMES = ("model.onnx", "vocab.txt")


@pytest.fixture
def cache(tmp_path: Path) -> RepoCache:
    one = RepoCache(tmp_path, "acme/one")
    snapshot = one.snapshot(COMMIT)
    snapshot.mkdir(parents=True)
    for name in NAMES:
        (snapshot / name).write_bytes(b"abc")
    return one


def lock(cache: RepoCache, *names: str) -> None:
    files = {name: LockedFile(3, "00") for name in names}
    write_lock(cache.lock_path, Lock(cache.repo).adding(None, COMMIT, files))


def test_nothing_is_found_before_a_pull(tmp_path: Path) -> None:
    cache = RepoCache(tmp_path, "acme/none")
    assert cache.commit(None) is None
    assert cache.pulled(None, Precision.AUTO) is None
    assert cache.found(None, Precision.AUTO) is None
    assert cache.size() == 0


def test_a_locked_snapshot_is_a_whole_pull(cache: RepoCache) -> None:
    lock(cache, *NAMES)
    assert cache.pulled(None, Precision.AUTO) == cache.snapshot(COMMIT)
    assert cache.pulled(None, Precision.INT8) is None


def test_a_pull_of_half_a_model_is_none(cache: RepoCache) -> None:
    lock(cache, "model.onnx")
    assert cache.pulled(None, Precision.AUTO) is None


@pytest.mark.parametrize("content", [None, b"ab"])
def test_a_pull_that_lost_bytes_since_is_none(cache: RepoCache, content: bytes | None) -> None:
    lock(cache, *NAMES)
    path = cache.snapshot(COMMIT) / "model.onnx"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert cache.pulled(None, Precision.AUTO) is None


def test_what_another_tool_fetched_is_found_by_its_ref(cache: RepoCache) -> None:
    (cache.folder / "refs").mkdir()
    (cache.folder / "refs" / "main").write_text(COMMIT + "\n")
    assert cache.pulled(None, Precision.AUTO) is None
    assert cache.found(None, Precision.AUTO) == cache.snapshot(COMMIT)
    assert cache.found(COMMIT, Precision.AUTO) == cache.snapshot(COMMIT)
    assert cache.found(None, Precision.INT8) is None
    assert cache.found("d" * 40, Precision.AUTO) is None


def test_repositories_are_listed_by_their_folders(cache: RepoCache) -> None:
    (cache.root / "datasets--acme--one").mkdir()
    (cache.root / "models--nameless").mkdir()
    (cache.root / "models--acme--file").write_text("")
    assert list(repositories(cache.root)) == [cache]
    assert list(repositories(cache.root / "none")) == []


def test_removal_frees_everything_once(cache: RepoCache) -> None:
    blob = cache.folder / "blobs" / "b"
    blob.parent.mkdir()
    blob.write_bytes(b"12345")
    (cache.snapshot(COMMIT) / "link").symlink_to(blob)
    assert cache.remove() == 3 + 3 + 5
    assert not cache.folder.exists()
    with pytest.raises(ModelFilesError, match="can't be deleted"):
        cache.remove()
