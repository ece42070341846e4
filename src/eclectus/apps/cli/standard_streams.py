"""Standard output and error that are closed, full, or of an encoding with few letters."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from eclectus.core.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Standard(io.RawIOBase):
    """What lies below the buffer of a standard stream."""

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.name = getattr(raw, "name", "")

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()


class _Results(_Standard):
    """Standard output: what can't be written is an error that has a name.

    Attributes:
        given_up: The program ends: what is still in the buffer goes nowhere, and was reported.
    """

    given_up = False

    def write(self, data: ReadableBuffer, /) -> int | None:
        if self.given_up:
            return memoryview(data).nbytes
        try:
            return self._raw.write(data)
        except (BrokenPipeError, BlockingIOError):
            raise
        except OSError as error:
            closed = error.errno == errno.EBADF
            reason = "it is closed" if closed else error.strerror or str(error)
            raise OutputError(
                f"standard output can't be written: {reason}. Send it to another place."
            ) from error


class _Messages(_Standard):
    """Standard error: a message that nobody can read stops no work."""

    def write(self, data: ReadableBuffer, /) -> int | None:
        with suppress(OSError):
            return self._raw.write(data)
        return memoryview(data).nbytes


def mend() -> None:
    """Prepare the standard streams of the process.

    Where one is closed its number is taken, so that no file gets it and is written into by those
    who mean the stream. Streams that were replaced, as tests do, stay as they are.
    """
    _take(0, os.O_RDONLY)
    # Not for writing: what is printed there must fail, not vanish.
    _take(1, os.O_RDONLY)
    _take(2, os.O_WRONLY)
    if sys.stdout is sys.__stdout__:
        sys.stdout = _wrapped(sys.stdout, 1, _Results)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _wrapped(sys.stderr, 2, _Messages)


def _take(number: int, flags: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)


def _wrapped(stream: io.TextIOBase | None, number: int, kind: type[_Standard]) -> io.TextIOWrapper:
    if isinstance(stream, io.TextIOWrapper):
        stream.flush()
        encoding, by_line = stream.encoding, stream.line_buffering
        raw = getattr(stream.buffer, "raw", stream.buffer)
    else:
        encoding, by_line = "utf-8", number == 2
        raw = io.FileIO(number, "w", closefd=False)
    # Names of files may hold what is no text; an encoding may know few letters.
    errors = "surrogateescape" if encoding.lower().replace("-", "") == "utf8" else ""
    buffer = io.BufferedWriter(kind(cast("io.RawIOBase", raw)))
    return io.TextIOWrapper(buffer, encoding, errors or "backslashreplace", line_buffering=by_line)


def give_up() -> None:
    """Forget what standard output did not take; to be called when that has been reported."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Results):
        raw.given_up = True
