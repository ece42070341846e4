"""Shows the events of a live stream: to a reader, to a file, or to a program."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from typing import Protocol, TextIO

from eclectus.output.clean import one_line, to_json
from eclectus.streaming.event_json import event_fields
from eclectus.streaming.events import Ended, Endpoint, Event, Final, Partial

_DIM, _PLAIN, _CLEAR = "\x1b[2m", "\x1b[0m", "\r\x1b[J"


class LiveView(Protocol):
    """Shows events one by one."""

    def show(self, event: Event) -> None:
        """Show an event."""
        ...


@dataclass(slots=True)
class TerminalView:
    """Final words in plain type, the draft behind them dimmed, a line an utterance."""

    out: TextIO
    _line: str = ""

    def show(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Final():
                self._line = f"{self._line} {one_line(event.text)}".strip()
                self._draw("")
            case Partial():
                self._draw(one_line(event.text))
            case Endpoint() | Ended() if self._line:
                self.out.write(f"{_CLEAR}{self._line}\n")
                self._line = ""
            case Endpoint() | Ended():
                self.out.write(_CLEAR)
        self.out.flush()

    def _draw(self, draft: str) -> None:
        """Draw the last line only: a longer one would wrap, and couldn't be drawn over."""
        width = shutil.get_terminal_size().columns - 1
        room = max(0, width - len(draft) - 1)
        shown = self._line[-room:] if room else ""
        draft = draft[-width:]
        space = " " if shown and draft else ""
        self.out.write(f"{_CLEAR}{shown}{space}{_DIM}{draft}{_PLAIN}")


@dataclass(slots=True)
class LineView:
    """A line an utterance, when it is over: for files and pipes."""

    out: TextIO
    _words: list[str] = field(default_factory=list)

    def show(self, event: Event) -> None:
        """Show an event."""
        match event:
            case Final():
                self._words.append(one_line(event.text))
            case Endpoint() | Ended() if self._words:
                self.out.write(" ".join(self._words) + "\n")
                self.out.flush()
                self._words.clear()


@dataclass(frozen=True, slots=True)
class JsonView:
    """One JSON object a line, for programs."""

    out: TextIO

    def show(self, event: Event) -> None:
        """Show an event."""
        self.out.write(to_json(event_fields(event)) + "\n")
        self.out.flush()


class SilentView:
    """Shows nothing: the results are written at the end."""

    def show(self, event: Event) -> None:
        """Show an event."""


def make_live_view(*, as_lines: bool, silent: bool) -> LiveView:
    """Choose how to show events on standard output."""
    if as_lines:
        return JsonView(sys.stdout)
    if silent:
        return SilentView()
    return TerminalView(sys.stdout) if sys.stdout.isatty() else LineView(sys.stdout)
