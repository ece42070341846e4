"""Checksums and sizes of files."""

import hashlib
import os
from pathlib import Path

import pytest

from eclectus.models.checksums import git_blob_id, human_size, sha256_of


def test_checksums_are_those_of_the_standard_tools(tmp_path: Path) -> None:
    path = tmp_path / "file"
    data = os.urandom(5000)
    path.write_bytes(data)
    assert sha256_of(path) == hashlib.sha256(data).hexdigest()
    path.write_bytes(b"hello\n")
    assert git_blob_id(path) == "ce013625030ba8dba906f756967f9e9ca394464a"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (670_000_000, "670.0 MB"), (2.5e9, "2.50 GB")],
)
def test_sizes_are_for_people(count: int, shown: str) -> None:
    assert human_size(count) == shown
