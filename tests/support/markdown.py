"""The fenced blocks of Markdown files, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<language>.*)$")
# What a command line may begin with in a `console` block; `#` is the prompt of root.
_PROMPT = re.compile(r"^(?P<prompt>[$#]) ")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block.

    Attributes:
        path: Of the file, relative to the repository.
        line: Where its content begins, from 1.
        language: The word behind the fence; empty without one.
        text: Its content.
    """

    path: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a block, and what the block shows below it."""

    text: str
    root: bool = False
    shown: tuple[str, ...] = ()


def blocks_of(path: Path) -> Iterator[Block]:
    """Yield the fenced blocks of a file.

    Raises:
        ValueError: A fence is never closed.
    """
    name = path.relative_to(ROOT).as_posix()
    opened: re.Match[str] | None = None
    content: list[str] = []
    start = 0
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if opened is None:
            if fence is not None:
                opened, content, start = fence, [], number + 1
        elif fence is not None and fence["ticks"] == opened["ticks"] and not fence["language"]:
            yield Block(name, start, opened["language"].strip(), "\n".join(content) + "\n")
            opened = None
        else:
            content.append(line.removeprefix(opened["indent"]))
    if opened is not None:
        raise ValueError(f"{name}:{start - 1}: a fence that is never closed")


def commands_of(block: Block) -> list[Command]:
    """Return the commands of a `bash`, `sh` or `console` block, without comments behind them."""
    found: list[Command] = []
    for line in _joined(block.text):
        if block.language != "console":
            if line.strip() and not line.startswith("#"):
                found.append(Command(_without_comment(line)))
        elif prompt := _PROMPT.match(line):
            text = _without_comment(line[prompt.end() :])
            found.append(Command(text, root=prompt["prompt"] == "#"))
        elif found and line.strip():
            last = found.pop()
            found.append(Command(last.text, last.root, (*last.shown, line)))
        elif line.strip():
            raise ValueError(f"{block}: a line without a prompt: {line}")
    return found


def _joined(text: str) -> list[str]:
    return re.sub(r"\\\n\s*", "", text).splitlines()


def _without_comment(line: str) -> str:
    return re.sub(r"\s+#\s.*$", "", line).strip()
