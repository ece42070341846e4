"""The windows of many sources, some seconds at a time, and what has been found in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from eclectus.core.errors import EclectusError
from eclectus.core.types import Hypothesis
from eclectus.recognition.batching import BatchRunner
from eclectus.recognition.longform import Piece
from eclectus.recognition.stitch import Stitcher


@dataclass(slots=True)
class Pending:
    """A source that is being recognised.

    Attributes:
        index: Its position in the caller's list.
        stitcher: What was found so far.
        samples: Samples read so far.
        duration_s: What the container promises.
        complete: True when its last window has been recognised.
        error: Why it failed.
    """

    index: int
    stitcher: Stitcher
    samples: int = 0
    duration_s: float | None = None
    complete: bool = False
    error: EclectusError | None = None
    _previous_stop: int = 0

    def heard(self, piece: Piece) -> None:
        """Note that a window has been recognised; windows come in any order."""
        self.samples = max(self.samples, piece.window.stop)

    def add(self, piece: Piece, result: Hypothesis | EclectusError, frame: int) -> None:
        """Stitch the next window on, in order; one that failed fails the source."""
        if isinstance(result, EclectusError):
            self.error = self.error or result
        if isinstance(result, EclectusError) or self.error is not None:
            return
        start = piece.window.start // frame
        self.stitcher.push(result.shift(start), start, self._previous_stop)
        self._previous_stop = -(-piece.window.stop // frame)
        self.complete = piece.last


@dataclass(frozen=True, slots=True)
class Entry:
    """One window of one source in the pool."""

    source: Pending
    piece: Piece


def fill_pools(
    entries: Iterable[Entry | Pending], capacity: int
) -> Iterator[list[Entry | Pending]]:
    """Collect windows until they hold `capacity` samples: enough to sort by length."""
    pool: list[Entry | Pending] = []
    held = 0
    for entry in entries:
        pool.append(entry)
        held += len(entry.piece.samples) if isinstance(entry, Entry) else 0
        if held >= capacity:
            yield pool
            pool, held = [], 0
    if pool:
        yield pool


def recognise_pools(
    pools: Iterable[list[Entry | Pending]],
    runner: BatchRunner,
    frame: int,
    report: Callable[[Pending], None],
) -> Iterator[Pending]:
    """Recognise the windows of each pool and yield every source that is complete or has failed."""
    for pool in pools:
        entries = [entry for entry in pool if isinstance(entry, Entry)]
        results: dict[int, Hypothesis | EclectusError] = {}
        for position, result in runner.run([entry.piece.samples for entry in entries]):
            results[position] = result
            entries[position].source.heard(entries[position].piece)
            report(entries[position].source)
        for position, entry in enumerate(entries):
            entry.source.add(entry.piece, results[position], frame)
        touched = {id(one): one for one in map(_source_of, pool)}
        yield from (one for one in touched.values() if one.complete or one.error is not None)


def _source_of(entry: Entry | Pending) -> Pending:
    return entry.source if isinstance(entry, Entry) else entry


def in_order(sources: Iterable[Pending]) -> Iterator[Pending]:
    """Hold sources back until all before them are there; the second failure of one is dropped."""
    waiting: dict[int, Pending] = {}
    due = 0
    for source in sources:
        if source.index >= due:
            waiting[source.index] = source
        while due in waiting:
            yield waiting.pop(due)
            due += 1
