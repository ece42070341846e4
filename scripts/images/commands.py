"""Commands that have to succeed."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

LIMIT_S = 1800.0  # no step takes that long, but a build must not hang for ever
SHOWN_CHARACTERS = 4000


class ImageError(Exception):
    """Something about an image is wrong; the message begins with a line that says what."""


def run(*command: str | Path, limit_s: float = LIMIT_S) -> str:
    """Run a command to its end.

    Args:
        *command: The program and its arguments.
        limit_s: Seconds after which it is killed.

    Returns:
        What it printed.

    Raises:
        ImageError: It ended with another code than 0, or did not end.
    """
    words = [str(part) for part in command]
    try:
        done = subprocess.run(words, text=True, capture_output=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"did not end in {limit_s:.0f} s: {shlex.join(words)}") from error
    if done.returncode != 0:
        said = f"{done.stdout[-SHOWN_CHARACTERS:]}\n{done.stderr[-SHOWN_CHARACTERS:]}".strip()
        raise ImageError(f"ended with {done.returncode}: {shlex.join(words)}\n{said}")
    return done.stdout
