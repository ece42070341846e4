"""What is counted over a run, and how it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from eclectus.apps.cli.exits import ExitCode


@dataclass(slots=True)
class Tally:
    """The sums of a run.

    Attributes:
        done: Files that were transcribed.
        skipped: Files whose results were there already.
        failed: Names of the files that failed.
        audio_s: Seconds of audio transcribed.
        clock: The time in seconds, for tests.
    """

    done: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    audio_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def total(self) -> int:
        """Files in all."""
        return self.done + self.skipped + len(self.failed)

    @property
    def wall_s(self) -> float:
        """Seconds since the beginning."""
        return self.clock() - self.began

    @property
    def exit_code(self) -> ExitCode:
        """What the shell is told."""
        if not self.failed:
            return ExitCode.DONE
        return ExitCode.SOME_FAILED if self.done + self.skipped else ExitCode.ALL_FAILED

    def summary(self) -> str:
        """Return the run in one line."""
        parts = [f"{count(self.done, 'file')} transcribed"]
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        if self.failed:
            parts.append(f"{len(self.failed)} failed")
        told = ", ".join(parts)
        return f"{told}: {pace(self.audio_s, self.wall_s)}" if self.done else told


def count(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def pace(audio_s: float, wall_s: float) -> str:
    """Return how much audio in what time, and the ratio."""
    told = f"{duration(audio_s)} of audio in {duration(wall_s)}"
    return f"{told} (RTFx {audio_s / wall_s:.1f})" if wall_s > 0 and audio_s > 0 else told


def duration(seconds: float) -> str:
    """Return `4.2 s`, `3:25 min` or `2:05:09 h`."""
    if seconds < 59.95:  # what rounds to 60.0 is a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"
