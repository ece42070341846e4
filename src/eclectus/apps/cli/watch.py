"""Transcribe the files that appear in a folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from eclectus.apps.cli.inputs import Input, media_files
from eclectus.core.errors import OptionError

INTERVAL_S = 1.0


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes while a file is being written.

    Attributes:
        size: In bytes.
        modified_ns: Time of the last change.
    """

    size: int
    modified_ns: int


@dataclass(slots=True)
class Watcher:
    """Finds files that are new and complete.

    A file is complete when it did not change from one look to the next and is not empty. One that
    was handed out is not again, until it changes.

    Attributes:
        folder: Where files appear.
        recursive: Look into its folders too.
    """

    folder: Path
    recursive: bool = False
    _seen: dict[Path, Stamp] = field(default_factory=dict)
    _handed: dict[Path, Stamp] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            raise OptionError(f"--watch needs a folder; {self.folder} is none")

    def look(self) -> list[Input]:
        """Return the files that have become complete since the last look."""
        now = self._stamps()
        ready = [
            path
            for path, stamp in now.items()
            if stamp.size > 0 and self._seen.get(path) == stamp and self._handed.get(path) != stamp
        ]
        self._seen = now
        self._handed = {path: stamp for path, stamp in self._handed.items() if path in now}
        self._handed |= {path: now[path] for path in ready}
        return [Input(str(path)) for path in ready]

    def _stamps(self) -> dict[Path, Stamp]:
        stamps = {}
        for path in media_files(self.folder, recursive=self.recursive):
            try:
                status = path.stat()
            except OSError:  # gone since it was listed
                continue
            stamps[path] = Stamp(status.st_size, status.st_mtime_ns)
        return stamps

    def forever(self) -> Iterator[list[Input]]:
        """Yield what has appeared, until interrupted."""
        while True:
            ready = self.look()
            if ready:
                yield ready
            pause()


def pause() -> None:
    """Wait until the next look."""
    time.sleep(INTERVAL_S)
