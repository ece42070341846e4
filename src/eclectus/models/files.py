"""Tells a model file from what often lies in its place: nothing, a pointer, a page of HTML."""

from __future__ import annotations

import hashlib
from pathlib import Path

from eclectus.core.errors import ModelFilesError

_HEAD_BYTES = 512
_CHUNK_BYTES = 4 * 1024 * 1024
_LFS = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype", b"<html", b"<?xml", b'{"error"')


def check_present(path: Path) -> None:
    """Check that a file is there and can be a model's.

    Raises:
        ModelFilesError: It is missing, empty, unreadable, a Git LFS pointer, or an error page that
            a download saved under the file's name.
    """
    head = _head(path)
    if not head:
        raise ModelFilesError(
            f"{path} is empty: the download or copy was cut off. {_REFETCH}", path=str(path)
        )
    if head.startswith(_LFS):
        raise ModelFilesError(
            f"{path} is a Git LFS pointer, not the file itself: run `git lfs pull` in the clone, "
            "or fetch the model with `eclectus models pull`.",
            path=str(path),
        )
    if head.lstrip().lower().startswith(_PAGES):
        raise ModelFilesError(
            f"{path} is a web page or an error message that was saved under this name. {_REFETCH}",
            path=str(path),
        )


_REFETCH = "Fetch it again: `eclectus models pull`, or copy the file anew."


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise ModelFilesError(
            f"{path} is missing. {_REFETCH}", path=str(path), file=path.name
        ) from error
    except OSError as error:
        raise ModelFilesError(
            f"{path} can't be read: {error.strerror or error}.", path=str(path)
        ) from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return _digest(path, hashlib.sha256())


def git_blob_id(path: Path) -> str:
    """The name that Git gives to a file's content: the hub's checksum of small files."""
    header = f"blob {path.stat().st_size}\0".encode()
    return _digest(path, hashlib.sha1(header, usedforsecurity=False))


def _digest(path: Path, state: hashlib._Hash) -> str:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            state.update(chunk)
    return state.hexdigest()


def human_size(count: int) -> str:
    """Bytes for people: decimal units, as hubs and file managers show them."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.2f} GB"
