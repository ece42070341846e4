"""How the program ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from enum import IntEnum
from types import FrameType
from typing import NoReturn


class ExitCode(IntEnum):
    """What the shell sees."""

    DONE = 0
    BUG = 1
    USAGE = 2
    SOME_FAILED = 3
    ALL_FAILED = 4
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    TERMINATED = 143


class TerminationError(KeyboardInterrupt):
    """SIGTERM; everything that tidies up after Ctrl-C does so after it too."""


def _raise_termination(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - signal's
    raise TerminationError


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Turn SIGTERM into an exception, as Python does with SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _raise_termination)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def raise_interrupts() -> None:
    """Let Ctrl-C be an exception again, for those who have something to tidy up.

    A process that ignores Ctrl-C, as a background job of a shell does, goes on doing so.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def own_ends() -> Iterator[None]:
    """End as this program does where Typer would report an end in its own way."""
    try:
        yield
    except TerminationError:
        leave(ExitCode.TERMINATED, "terminated")
    except KeyboardInterrupt:
        leave(ExitCode.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        leave(ExitCode.BROKEN_PIPE)


def leave(code: ExitCode, message: str = "") -> NoReturn:
    """End the process at once, without waiting for a thread that is computing.

    The engine can't be interrupted inside a batch; nothing it holds outlives the process.
    """
    if message:
        with contextlib.suppress(OSError):
            sys.stderr.write(f"eclectus: {message}\n")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
