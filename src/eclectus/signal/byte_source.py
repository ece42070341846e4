"""A path, bytes, file object or standard input as one seekable file."""

from __future__ import annotations

import io
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from eclectus.core.errors import (
    AudioNotFoundError,
    AudioTooLongError,
    OptionError,
    UndecodableAudioError,
)

STDIN = "-"

_SPOOL_MEMORY = 32 * 2**20
_SPOOL_LIMIT = 16 * 2**30
_SPOOL_BLOCK = 2**20

_SPECIAL_FILES = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(slots=True)
class ByteSource:
    """Encoded audio that can be read from its beginning as often as needed.

    Attributes:
        name: For messages.
        size: In bytes, at least 1.
        path: Where it lies as a regular file, if it does.
    """

    name: str
    size: int
    path: Path | None
    _handle: BinaryIO
    _owned: bool

    def rewind(self) -> BinaryIO:
        """Return the file, positioned at its beginning; don't close it."""
        self._handle.seek(0)
        return self._handle

    def head(self, count: int) -> bytes:
        """Return the first bytes.

        Raises:
            AudioNotFoundError: The device does not deliver them.
        """
        try:
            return self.rewind().read(count)
        except OSError as error:
            raise AudioNotFoundError(f"{self.name} can't be read: {error}") from error

    def close(self) -> None:
        """Close the file, unless it is the caller's; safe to call twice."""
        if self._owned:
            self._handle.close()


def open_bytes(source: str | os.PathLike[str] | bytes | BinaryIO) -> ByteSource:
    """Open encoded audio.

    Args:
        source: A path of a regular file; `-` for standard input; the bytes themselves; or a
            binary file object, read from its beginning if it can seek, else spooled to a
            temporary file from where it stands.

    Raises:
        AudioNotFoundError: There is no readable regular file.
        UndecodableAudioError: There are no bytes.
        AudioTooLongError: A stream that can't seek goes on past 16 GiB.
        OptionError: It is something else, or a text file object.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        opened = _from_handle(io.BytesIO(source), f"{len(source)} bytes", owned=True)
    elif isinstance(source, str | os.PathLike):
        opened = _from_stdin() if os.fspath(source) == STDIN else _from_path(Path(source))
    elif hasattr(source, "read"):
        opened = _from_handle(source, _name_of(source), owned=False)
    else:
        raise OptionError(
            f"audio can be a path, bytes, a binary file object, a NumPy array or Audio, "
            f"not {type(source).__name__}"
        )
    if opened.size == 0:
        opened.close()
        raise UndecodableAudioError(f"{opened.name} is empty", source=opened.name)
    return opened


def _from_path(path: Path) -> ByteSource:
    try:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:
        raise AudioNotFoundError(_why_unreadable(path, error), path=str(path)) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise AudioNotFoundError(_why_special(path, status.st_mode), path=str(path))
    return ByteSource(str(path), status.st_size, path, os.fdopen(descriptor, "rb"), _owned=True)


def _why_special(path: Path, mode: int) -> str:
    if stat.S_ISDIR(mode):
        return f"{path} is a folder; name the files in it"
    kind = next((name for test, name in _SPECIAL_FILES if test(mode)), "no regular file")
    return f"{path} is {kind}; feed it to standard input and read '{STDIN}'"


def _why_unreadable(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no file {path}"
    if _is_folder(path):  # Windows can't open folders at all
        return f"{path} is a folder; name the files in it"
    if isinstance(error, PermissionError):
        return f"{path} may not be read: permission denied"
    return f"{path!s} can't be opened: {error}"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long, links in a circle
        return False


def _from_stdin() -> ByteSource:
    if sys.stdin is None:
        raise AudioNotFoundError("there is no standard input")
    handle = getattr(sys.stdin, "buffer", sys.stdin)
    return _from_handle(cast(BinaryIO, handle), "standard input", owned=False)


def _from_handle(handle: BinaryIO, name: str, *, owned: bool) -> ByteSource:
    if _can_seek(handle):
        size = handle.seek(0, os.SEEK_END)
        _require_bytes(handle.read(0), name)
        return ByteSource(name, size, None, handle, owned)
    spool = tempfile.SpooledTemporaryFile(max_size=_SPOOL_MEMORY)  # noqa: SIM115  the source owns it
    try:
        size = _spool(handle, spool, name)
    except BaseException:
        spool.close()
        raise
    return ByteSource(name, size, None, cast(BinaryIO, spool), _owned=True)


def _can_seek(handle: BinaryIO) -> bool:
    if getattr(handle, "closed", False):
        raise OptionError(f"{_name_of(handle)} is closed; open it again")
    seekable = getattr(handle, "seekable", None)
    return bool(seekable is not None and seekable())


def _spool(handle: BinaryIO, spool: Any, name: str) -> int:
    size = 0
    while block := _require_bytes(handle.read(_SPOOL_BLOCK), name):
        size += len(block)
        if size > _SPOOL_LIMIT:
            raise AudioTooLongError(
                f"{name} goes on past {_SPOOL_LIMIT} bytes", limit_bytes=_SPOOL_LIMIT
            )
        spool.write(block)
    return size


def _require_bytes(block: object, name: str) -> bytes:
    if isinstance(block, bytes | bytearray | memoryview):
        return bytes(block)
    raise OptionError(f"{name} is not binary: it reads {type(block).__name__}, open it with 'rb'")


def _name_of(handle: object) -> str:
    name = getattr(handle, "name", None)
    return str(name) if isinstance(name, str) and name else "the file object"
