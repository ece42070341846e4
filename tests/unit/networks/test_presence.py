"""What lies in the place of a model file."""

from pathlib import Path

import pytest

from eclectus.core.errors import ModelFilesError
from eclectus.networks.presence import check_present


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
