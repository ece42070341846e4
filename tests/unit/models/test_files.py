"""What lies in the place of a model file."""

import hashlib
import os
from pathlib import Path

import pytest

from eclectus.core.errors import ModelFilesError
from eclectus.models.files import check_present, git_blob_id, human_size, sha256_of


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"<html>404</html>", "web page"),
        (b'{"error":"Repository not found"}', "web page or an error message"),
        (b"<?xml version='1.0'?><Error>", "web page"),
    ],
)
def test_what_is_no_model_file_is_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelFilesError, match=told) as caught:
        check_present(path)
    assert caught.value.context["path"] == str(path)
    assert "models pull" in str(caught.value)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="is missing"):
        check_present(tmp_path / "encoder.onnx")


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="can't be read"):
        check_present(tmp_path)


def test_other_bytes_pass(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(b"\x08\x07whatever")
    check_present(path)


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
