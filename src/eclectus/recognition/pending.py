"""The windows of many sources: grouped into batches, and put in order again when recognised."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from eclectus.core.errors import EclectusError
from eclectus.core.options import BatchOptions
from eclectus.core.types import FloatArray, Hypothesis, Progress, Window
from eclectus.recognition.stitch import Stitcher
from eclectus.signal.decode import AudioSource

_BATCHES_AHEAD = 2
"""Seconds of batches that are read before short windows are sorted: enough to find neighbours."""


@dataclass(slots=True, eq=False)
class Pending:
    """A source that is being recognised.

    Attributes:
        source: As the caller gave it.
        index: Its position among the caller's sources.
        stitcher: What was found so far.
        samples: Samples recognised so far; in the end, the length of the source.
        duration_s: What the container promises.
        complete: True when its last window has been stitched on.
        error: Why it failed.
    """

    source: AudioSource
    index: int
    stitcher: Stitcher
    samples: int = 0
    duration_s: float | None = None
    complete: bool = False
    error: EclectusError | None = None
    _waiting: dict[int, tuple[Place, Hypothesis]] = field(default_factory=dict)
    _due: int = 0
    _previous_stop: int = 0

    @property
    def done(self) -> bool:
        """Whether the source is complete or has failed."""
        return self.complete or self.error is not None

    def add(self, place: Place, result: Hypothesis | EclectusError, frame: int) -> None:
        """Add the result of one window; windows may come in any order.

        Args:
            place: The window.
            result: Its hypothesis, frames counted from its start, or why it failed, which fails
                the source.
            frame: Samples of an encoder frame.
        """
        self.samples = max(self.samples, place.window.stop)
        if isinstance(result, EclectusError):
            self.error = self.error or result
            self._waiting.clear()
        elif self.error is None:
            self._waiting[place.number] = place, result
        while self._due in self._waiting:
            self._stitch(*self._waiting.pop(self._due), frame)

    def progress(self, sample_rate: int) -> Progress:
        """Return how far the source is, by its samples of this rate (Hz)."""
        return Progress(self.index, self.samples / sample_rate, self.duration_s)

    def take(self, overlap: int) -> Hypothesis:
        """Return the tokens that no later window can change, without those of earlier calls.

        Args:
            overlap: Frames that the next window may share with the last one, at most.
        """
        return self.stitcher.take(None if self.complete else self._previous_stop - overlap)

    def _stitch(self, place: Place, found: Hypothesis, frame: int) -> None:
        start = place.window.start // frame
        self.stitcher.push(found.shift(start), start, self._previous_stop)
        self._previous_stop = -(-place.window.stop // frame)
        self._due += 1
        self.complete = place.last


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a window belongs.

    Attributes:
        source: Whose window it is.
        number: Which of its windows, from 0.
        window: Its span.
        last: True for the last one.
    """

    source: Pending
    number: int
    window: Window
    last: bool


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A window and its samples; the samples are released when the features exist."""

    place: Place
    samples: FloatArray


def batches(
    entries: Iterable[Entry | None], options: BatchOptions, window: int, sample_rate: int
) -> Iterator[list[Entry]]:
    """Group windows into batches as they are read.

    Windows of full length go as soon as a batch is full of them, so of a long file no more than
    that is held. Shorter ones wait until two batches' seconds have been read, and are sorted.

    Args:
        entries: Windows in the order of reading; None where a source failed.
        options: Windows and seconds of padded audio that a batch may hold; one window always may.
        window: Samples of a full window.
        sample_rate: In Hz.

    Yields:
        Batches; an empty one where a source failed, so that the failure is not held back.
    """
    limit = options.max_audio_s * sample_rate
    full: list[Entry] = []
    short: list[Entry] = []
    seen = 0
    for entry in entries:
        if entry is None:
            yield []
            continue
        seen += len(entry.samples)
        (full if len(entry.samples) == window else short).append(entry)
        if len(full) == options.size or (len(full) + 1) * window > limit:
            if full:
                yield full
            full = []
        if seen >= _BATCHES_AHEAD * limit:
            yield from _sorted_batches([*full, *short], options, sample_rate)
            full, short, seen = [], [], 0
    yield from _sorted_batches([*full, *short], options, sample_rate)


def _sorted_batches(
    entries: Sequence[Entry], options: BatchOptions, sample_rate: int
) -> Iterator[list[Entry]]:
    for rows in group([len(entry.samples) for entry in entries], options, sample_rate):
        yield [entries[row] for row in rows]


def group(lengths: Sequence[int], options: BatchOptions, sample_rate: int) -> list[list[int]]:
    """Sort windows by length and divide them into batches.

    Args:
        lengths: Samples of each window.
        options: Windows and seconds of padded audio that a batch may hold; one window always may.
        sample_rate: In Hz.

    Returns:
        Positions in `lengths`, the longest first: the memory that the first batch takes serves
        the others too.
    """
    limit = options.max_audio_s * sample_rate
    groups: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if groups:
            last = groups[-1]
            padded = lengths[last[0]] * (len(last) + 1)
            if len(last) < options.size and padded <= limit:
                last.append(position)
                continue
        groups.append([position])
    return groups
