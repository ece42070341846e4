"""Near names for options and commands that don't exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_MOST = 3
_NEAR = 0.6
_NEAR_WORD = 0.75


def near_options(wrong: str, known: Iterable[str]) -> list[str]:
    """Return the options that a misspelt one may stand for, the nearest first.

    A word of an option counts as well: `--fromat` is near `--output-format`.
    """
    wanted = wrong.lstrip("-").lower()
    nearness = {name: _nearness(wanted, name.lstrip("-")) for name in known if name[:2] == "--"}
    near = [name for name, value in nearness.items() if value > 0]
    return sorted(near, key=lambda name: -nearness[name])[:_MOST]


def _nearness(wanted: str, name: str) -> float:
    whole = _ratio(wanted, name)
    word = max(_ratio(wanted, part) for part in name.split("-"))
    return max(whole if whole >= _NEAR else 0.0, word if word >= _NEAR_WORD else 0.0)


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


@contextmanager
def near_options_added() -> Iterator[None]:
    """Complete Typer's error about an option that doesn't exist; leave any other as it is."""
    try:
        yield
    except Exception as error:
        # By its shape: whose class it is depends on the version of Typer.
        context = getattr(error, "ctx", None)
        if context is not None and hasattr(error, "possibilities"):
            known = [name for one in context.command.get_params(context) for name in one.opts]
            wrong: Any = error
            wrong.possibilities = near_options(wrong.option_name, known) or wrong.possibilities
        raise


def near_command(wrong: str, known: Iterable[str]) -> str:
    """Return a question about what a wrong command may stand for; empty if nothing is near."""
    found = difflib.get_close_matches(wrong.lower(), list(known), n=1)
    with suppress(OSError, ValueError):  # a name that no file can have
        if not found and Path(wrong).exists():
            found = [f"transcribe {wrong}"]
    return f" Did you mean '{found[0]}'?" if found else ""
