import errno
import os
from pathlib import Path

import pytest

from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import OutputError, OutputExistsError
from eclectus.output.writer import write_atomic


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "talk.txt"
    assert write_atomic(path, "Grüße\n")
    assert path.read_bytes() == "Grüße\n".encode()
    assert [item.name for item in path.parent.iterdir()] == ["talk.txt"]


def test_an_existing_file_is_overwritten_skipped_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "talk.txt"
    assert write_atomic(str(path), "one", OverwritePolicy.FAIL)
    assert not write_atomic(path, "two", OverwritePolicy.SKIP)
    with pytest.raises(OutputExistsError, match=r"talk\.txt exists"):
        write_atomic(path, "two", OverwritePolicy.FAIL)
    assert path.read_text() == "one"
    assert write_atomic(path, "two", OverwritePolicy.OVERWRITE)
    assert path.read_text() == "two"


def test_the_users_mask_decides_the_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomic(tmp_path / "talk.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "talk.txt").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interruption_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    path = tmp_path / "talk.txt"
    path.write_text("old")

    def interrupt(_descriptor: int) -> None:
        raise interruption

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(interruption):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "Free space"),
        (errno.EACCES, "may write to"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "another folder"),
    ],
)
def test_a_failure_names_the_path_and_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    path = tmp_path / "talk.txt"
    with pytest.raises(OutputError, match=remedy) as caught:
        write_atomic(path, "new")
    assert str(path) in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="shorter name"):
        write_atomic(tmp_path / ("x" * 300 + ".txt"), "new")
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_the_greatest_length_is_fine(tmp_path: Path) -> None:
    assert write_atomic(tmp_path / ("x" * 251 + ".txt"), "new")


def test_a_folder_or_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").mkdir()
    with pytest.raises(OutputError, match="folder has this name"):
        write_atomic(tmp_path / "talk.txt", "new")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="where a folder should be"):
        write_atomic(tmp_path / "file" / "talk.txt", "new")


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    write_atomic(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


def test_what_utf8_can_not_hold_is_escaped(tmp_path: Path) -> None:
    write_atomic(tmp_path / "talk.txt", "a\udcff")
    assert (tmp_path / "talk.txt").read_bytes() == b"a\\udcff"
