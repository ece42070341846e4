"""Shows how far the download of a model is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from eclectus.apps.cli.messages import say
from eclectus.models.checksums import human_size
from eclectus.models.store import DownloadProgress
from eclectus.output.clean import printable


@contextmanager
def download_progress(*, quiet: bool) -> Iterator[DownloadProgress | None]:
    """Bars on a terminal, one line a file elsewhere, nothing when quiet."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as bars:
            yield _Bars(bars)
    else:
        yield _Lines()


class _Bars:
    """One bar a file."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, file: str, done: int, total: int) -> None:
        if file not in self._tasks:
            self._tasks[file] = self._bars.add_task(printable(file), total=total or None)
        self._bars.update(self._tasks[file], completed=done, total=total or None)


class _Lines:
    """One line for each file that has arrived."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, file: str, done: int, total: int) -> None:
        if done >= total and file not in self._told:
            self._told.add(file)
            say(f"{file}: {human_size(done)}", err=True)
