"""The record of what was pulled."""

from pathlib import Path

import pytest

from eclectus.core.errors import ModelFilesError
from eclectus.models.lock import Lock, LockedFile, read_lock, write_lock

ONE, TWO = "1" * 40, "2" * 40
FILES = {"model.onnx": LockedFile(3, "ab")}


def test_a_missing_lock_is_empty(tmp_path: Path) -> None:
    lock = read_lock(tmp_path / "eclectus.json", "acme/one")
    assert lock == Lock("acme/one")
    assert lock.commit(None) is None
    assert lock.files(ONE) == {}


def test_a_floating_revision_stays_where_it_was_pulled() -> None:
    lock = Lock("acme/one").adding(None, ONE, FILES)
    assert lock.commit(None) == lock.commit("main") == ONE
    assert lock.commit("other") is None
    assert lock.adding("main", TWO, FILES).commit(None) == TWO


def test_a_commit_is_its_own_revision() -> None:
    lock = Lock("acme/one").adding(ONE, ONE, FILES)
    assert lock.commit(ONE) == ONE
    assert lock.revisions == {}


def test_pulls_of_one_commit_add_up() -> None:
    more = {"model.int8.onnx": LockedFile(1, "cd")}
    lock = Lock("acme/one").adding(None, ONE, FILES).adding(None, ONE, more)
    assert lock.files(ONE) == FILES | more


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "eclectus.json"
    lock = Lock("acme/one").adding(None, ONE, FILES).adding("v1", TWO, {})
    write_lock(path, lock)
    assert read_lock(path, "acme/one") == lock
    assert [item.name for item in path.parent.iterdir()] == ["eclectus.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format": 1}',
        '{"format": 1, "revisions": {}, "commits": {"a": {"b": 1}}}',
        '{"format": 1, "revisions": {}, "commits": {"a": {"b": {"size": "x", "sha256": ""}}}}',
        '{"format": 1, "revisions": {}, "commits": []}',
    ],
)
def test_a_broken_lock_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "eclectus.json"
    path.write_text(text)
    with pytest.raises(ModelFilesError, match=r"eclectus\.json is broken"):
        read_lock(path, "acme/one")


def test_a_lock_of_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "eclectus.json"
    path.write_text('{"format": 99}')
    with pytest.raises(ModelFilesError, match="another version"):
        read_lock(path, "acme/one")
