"""Starts the program; Ctrl-C ends it in good order from the first line on.

This module imports next to nothing, so that the handler is there before the long imports begin.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import NoReturn

_INTERRUPTED = 130


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - signal's
    """End at once: there is nothing to tidy up yet, and an exception could be lost in an import."""
    if sys.stderr is not None:
        with suppress(OSError):
            os.write(2, b"eclectus: interrupted\n")
    os._exit(_INTERRUPTED)


def _unraisable(problem: sys.UnraisableHookArgs) -> None:
    """End at Ctrl-C also where Python would print the exception and go on, as in a callback."""
    if issubclass(problem.exc_type, KeyboardInterrupt):
        _leave(signal.SIGINT, None)
    sys.__unraisablehook__(problem)


def main() -> None:
    """Run the command line and exit."""
    # A background job of a shell ignores Ctrl-C, and goes on doing so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    sys.unraisablehook = _unraisable
    from eclectus.apps.cli.main import main as run

    try:
        run()
    finally:
        # All is written and said; an interrupt of the interpreter's own last steps says nothing.
        signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    main()
