"""What the command line prints: names of files and models may hold what a terminal obeys."""

from __future__ import annotations

import sys

import typer

from eclectus.output.clean import printable


def say(message: object, *, err: bool = False) -> None:
    """Print a message; control characters in it, newlines apart, are shown as escapes.

    Args:
        message: What `str` makes of it is printed.
        err: On standard error.
    """
    typer.echo(printable(str(message)), err=err)


def say_value(value: object) -> None:
    """Print a value that a program may read: exactly as it is, unless a terminal shows it."""
    typer.echo(printable(str(value)) if sys.stdout.isatty() else str(value))
