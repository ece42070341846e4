"""Checks that a file is there and is not a Git LFS pointer or a saved error page."""

from __future__ import annotations

from pathlib import Path

from eclectus.core.errors import ModelFilesError
from eclectus.core.regular_files import open_regular

_HEAD_BYTES = 512
_LFS = b"version https://git-lfs.github.com/spec/"
_PAGES = (b"<!doctype", b"<html", b"<?xml", b'{"error"')
_REFETCH = "Fetch it again: `eclectus models pull`, or copy the file anew."


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


def check_length(path: Path, needed: int) -> None:
    """Check that a file is at least as long as what refers to it says.

    Args:
        path: A file that is there.
        needed: Bytes.

    Raises:
        ModelFilesError: It is shorter.
    """
    size = path.stat().st_size
    if size < needed:
        raise ModelFilesError(
            f"{path} is cut off: it has {size:,} bytes of at least {needed:,}. "
            "Fetch it again (`eclectus models pull`), or copy it anew.",
            path=str(path),
            size=size,
            needed=needed,
        )


def _head(path: Path) -> bytes:
    try:
        with open_regular(path) as file:
            return file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise ModelFilesError(
            f"{path} is missing. {_REFETCH}", path=str(path), file=path.name
        ) from error
    except OSError as error:
        raise ModelFilesError(
            f"{path} can't be read: {error.strerror or error}.", path=str(path)
        ) from error
