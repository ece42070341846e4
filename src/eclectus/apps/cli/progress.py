"""How a run is shown on standard error: bars on a terminal, lines elsewhere, nothing if quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from eclectus.apps.cli.report import duration
from eclectus.output.clean import printable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.progress import Progress as Bars
    from rich.progress import Task, TaskID
    from rich.text import Text

_LINE_EVERY_S = 10.0
_LONGEST_NAME = 40


class View(Protocol):
    """Where a run is shown."""

    def begin(self, names: list[str]) -> None:
        """Learn what there is to do."""
        ...

    def expect(self, index: int, total_s: float) -> None:
        """Learn the length of a source; called from any thread."""
        ...

    def advance(self, index: int, done_s: float, total_s: float | None) -> None:
        """Show how far one source has come; called from any thread."""
        ...

    def finish(self, index: int, message: str) -> None:
        """Show that one source is done."""
        ...

    def fail(self, index: int, message: str) -> None:
        """Show that one source failed."""
        ...

    def say(self, message: str) -> None:
        """Show a line of its own."""
        ...

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the terminal free for other output."""
        ...

    def close(self) -> None:
        """Remove what moves."""
        ...


class Lines:
    """One line a file, and for long files one every few seconds."""

    def __init__(self, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet = quiet
        self._clock = clock
        self._told = clock()
        self._names: list[str] = []

    def begin(self, names: list[str]) -> None:
        """Learn the names."""
        self._names = [printable(name) for name in names]

    def expect(self, index: int, total_s: float) -> None:
        """Lines have no time left."""

    def advance(self, index: int, done_s: float, total_s: float | None) -> None:
        """Write a line if none was written for a while."""
        if self._quiet or self._clock() - self._told < _LINE_EVERY_S:
            return
        of = f" of {duration(total_s)}" if total_s else ""
        self._write(f"{self._names[index]}: {duration(done_s)}{of}")

    def finish(self, index: int, message: str) -> None:
        """Write it unless quiet."""
        self.say(f"{self._names[index]}: {message}")

    def fail(self, index: int, message: str) -> None:
        """Write it, quiet or not."""
        self._write(_named(self._names[index], message))

    def say(self, message: str) -> None:
        """Write it unless quiet."""
        if not self._quiet:
            self._write(message)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing moves here."""
        yield

    def close(self) -> None:
        """Nothing to remove."""

    def _write(self, message: str) -> None:
        self._told = self._clock()
        sys.stderr.write(f"{printable(message)}\n")
        sys.stderr.flush()


class Moving:
    """A bar for each file that is being worked on and one for all, with RTFx and time left."""

    def __init__(self) -> None:
        self._bars = _make_bars()
        self._live: Live | None = None
        self._names: list[str] = []
        self._tasks: dict[int, TaskID] = {}
        self._lengths: dict[int, float] = {}
        self._heard: dict[int, float] = {}
        self._all: TaskID | None = None
        self._since = 0.0

    def begin(self, names: list[str]) -> None:
        """Start the bars."""
        self.close()
        self._names = [printable(name) for name in names]
        self._tasks, self._lengths, self._heard = {}, {}, {}
        self._since = time.monotonic()
        if self._all is not None:
            self._bars.remove_task(self._all)
        label = f"all {len(names)} files" if len(names) > 1 else "working"
        self._all = self._add(label, None, visible=len(names) != 1)
        self._start()

    def _add(self, label: str, total: float | None, *, visible: bool = True) -> TaskID:
        # Batches hold windows of several files: a file's time begins with the last one's end.
        return self._bars.add_task(label, total=total, visible=visible, since=self._since)

    def expect(self, index: int, total_s: float) -> None:
        """Note the length of a source for the time left."""
        self._lengths.setdefault(index, total_s)
        self._move_all()

    def _start(self) -> None:
        # A new one each time: one that is started again would go back over what was printed since.
        from rich.live import Live

        self._live = Live(
            self._bars,
            console=self._bars.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def advance(self, index: int, done_s: float, total_s: float | None) -> None:
        """Move the bar of the file and the one of all."""
        if index not in self._tasks:
            self._tasks[index] = self._add(_short(self._names[index]), total_s)
        self._bars.update(self._tasks[index], completed=done_s, total=total_s)
        self._heard[index] = done_s
        if total_s is not None:
            self._lengths[index] = total_s
        self._move_all()

    def _move_all(self) -> None:
        if self._all is not None:
            total = expected_total(list(self._lengths.values()), len(self._names))
            self._bars.update(self._all, completed=sum(self._heard.values()), total=total)

    def finish(self, index: int, message: str) -> None:
        """Replace the bar by a line."""
        self._remove(index)
        self.say(f"{self._names[index]}: {message}")

    def fail(self, index: int, message: str) -> None:
        """Replace the bar by a line."""
        self._remove(index)
        self._bars.console.print(
            printable(_named(self._names[index], message)),
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )

    def _remove(self, index: int) -> None:
        self._since = time.monotonic()
        self._lengths[index] = self._heard.get(index, 0.0)
        if (task := self._tasks.pop(index, None)) is not None:
            self._bars.remove_task(task)
        self._move_all()

    def say(self, message: str) -> None:
        """Write a line above the bars."""
        self._bars.console.print(printable(message), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Take the bars away for a moment."""
        self.close()
        try:
            yield
        finally:
            self._start()

    def close(self) -> None:
        """Remove the bars."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def expected_total(known: list[float], files: int) -> float | None:
    """Return the seconds in all, those of unknown files taken to be as long as the known ones."""
    return sum(known) / len(known) * files if known else None


def make_view(*, quiet: bool, verbose: bool) -> View:
    """Choose the view: bars only where somebody looks and no log messages get between."""
    if quiet or verbose or not sys.stderr.isatty():
        return Lines(quiet=quiet)
    return Moving()


def _named(name: str, message: str) -> str:
    return message if message.startswith(f"{name} ") else f"{name}: {message}"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}"


def pace_and_rest(done_s: float, total_s: float | None, wall_s: float) -> str:
    """Return RTFx and the time left, as far as they are known."""
    if done_s <= 0 or wall_s <= 0:
        return ""
    told = f"RTFx {done_s / wall_s:.1f}"
    if total_s is None:
        return told
    return f"{told}, {duration(max(total_s - done_s, 0.0) * wall_s / done_s)} left"


def _make_bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn
    from rich.text import Text

    class Pace(ProgressColumn):
        """Audio seconds per second of waiting, and what is left of it."""

        def render(self, task: Task) -> Text:
            wall_s = time.monotonic() - task.fields["since"]
            return Text(pace_and_rest(task.completed, task.total, wall_s), style="cyan")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        Pace(),
        console=Console(stderr=True),
        auto_refresh=False,
    )
