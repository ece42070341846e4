"""The help of every command as text, for the reference and for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from eclectus.apps.cli.main import app


def all_help(width: int = 100) -> dict[str, str]:
    """Return the help of the program and of each of its commands, by how they are called."""
    return dict(_walk(typer.main.get_command(app), "eclectus", None, width))


def _walk(command: Any, name: str, parent: Any, width: int) -> Iterator[tuple[str, str]]:
    short = name.rpartition(" ")[2]
    with command.make_context(
        short, [], parent=parent, resilient_parsing=True, max_content_width=width
    ) as context:
        context.terminal_width = width
        yield name, command.get_help(context)
        for inner in command.list_commands(context) if hasattr(command, "list_commands") else ():
            yield from _walk(command.get_command(context, inner), f"{name} {inner}", context, width)
