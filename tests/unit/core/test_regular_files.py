"""Only files are read, and only so much of them."""

import os
import sys
from pathlib import Path

import pytest

from eclectus.core.errors import ModelFilesError
from eclectus.core.regular_files import below, is_file_name, is_within, open_regular, read_bounded
from eclectus.models.card import read_card
from eclectus.models.checksums import sha256_of
from eclectus.networks.graph_facts import describe
from eclectus.networks.presence import check_present
from eclectus.text.tokenizer import PieceTokenizer

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices as files")


@pytest.fixture(params=["pipe", "device", "endless", "folder"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "odd"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/null" if request.param == "device" else "/dev/zero")
    return path


@POSIX
def test_what_is_no_file_is_refused_at_once(odd: Path) -> None:
    with pytest.raises(OSError, match="regular"):
        open_regular(odd)
    for read in (check_present, read_card, PieceTokenizer.from_file, describe):
        with pytest.raises(ModelFilesError):
            read(odd)
    with pytest.raises(OSError, match="regular"):
        sha256_of(odd)


def test_no_more_is_read_than_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert read_bounded(path, 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_bounded(path, 4)


def test_a_name_stays_in_its_folder(tmp_path: Path) -> None:
    assert below(tmp_path, "a/b.txt") == tmp_path / "a" / "b.txt"
    with pytest.raises(ValueError, match="no file name"):
        below(tmp_path, "../b.txt")
    assert not is_file_name(None)
    (tmp_path / "link").symlink_to("/")
    assert is_within(tmp_path / "a", tmp_path)
    assert not is_within(tmp_path / "link" / "etc", tmp_path)
