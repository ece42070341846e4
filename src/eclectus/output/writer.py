"""Whole files or none."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import OutputError, OutputExistsError

_REMEDIES = {
    errno.ENOSPC: "Free space on the disk or choose another folder.",
    errno.EDQUOT: "Free space within your quota or choose another folder.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
    errno.EROFS: "Choose a folder that is not on a read-only disk.",
    errno.ENAMETOOLONG: "Choose a shorter name with the output template.",
    errno.EISDIR: "A folder has this name; choose another with the output template.",
    errno.ENOTDIR: "A file stands where a folder should be; choose another folder.",
    errno.EEXIST: "A file stands where a folder should be; choose another folder.",
}


def write_atomic(
    path: str | os.PathLike[str],
    text: str,
    policy: OverwritePolicy = OverwritePolicy.OVERWRITE,
) -> bool:
    """Write a text file so that a reader sees the old file or the whole new one, never a half.

    The text goes to a temporary file in the same folder, which then takes the name; it is
    removed on any failure, an interrupt included. Missing folders are made. A symbolic link is
    followed. The encoding is UTF-8; newlines are written as they are.

    Returns:
        True if the file was written, False if it exists and the policy is to skip.

    Raises:
        OutputExistsError: The file exists and the policy is to fail.
        OutputError: The file can't be written; the message has the path and what to do.
    """
    target = Path(path)
    with _named_errors(target):
        if policy is not OverwritePolicy.OVERWRITE and target.exists():
            if policy is OverwritePolicy.FAIL:
                raise _exists(target)
            return False
        real = target.resolve() if target.is_symlink() else target
        real.parent.mkdir(parents=True, exist_ok=True)
        # Lone surrogates come from file names that are not UTF-8; nothing else needs the handler.
        _replace(real, text.encode("utf-8", errors="backslashreplace"))
    return True


def _replace(target: Path, data: bytes) -> None:
    # A short name: the target's own may be as long as the file system allows.
    temporary = target.parent / f".eclectus-{secrets.token_hex(8)}.tmp"
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = _REMEDIES.get(error.errno or 0, "Choose another folder.")
        raise OutputError(f"{path} can't be written: {reason}. {remedy}", path=str(path)) from error


def _exists(path: Path) -> OutputExistsError:
    return OutputExistsError(
        f"{path} exists. Remove it, or allow to overwrite or skip it.", path=str(path)
    )
