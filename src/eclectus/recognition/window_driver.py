"""Takes the windows of many sources through the model, and back to their sources."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing

from eclectus.core.options import BatchOptions
from eclectus.core.timebase import TimeBase
from eclectus.core.types import Progress
from eclectus.recognition.batching import BatchRunner
from eclectus.recognition.pending import Entry, Pending, batches
from eclectus.recognition.windowed_source import WindowedSource

OnProgress = Callable[[Progress], None]


class WindowDriver:
    """Drives windows; for one thread at a time.

    The caller decides which windows come next: a program that has its sources at hand uses
    `run_in_order`, a server that serves many clients makes its own batches for `run`.
    """

    def __init__(self, runner: BatchRunner, time_base: TimeBase) -> None:
        self._runner = runner
        self._base = time_base

    def run(
        self, batches_of_entries: Iterable[Sequence[Entry]]
    ) -> Generator[list[Pending], None, None]:
        """Recognise batches of windows and add what was found to their sources.

        Args:
            batches_of_entries: Windows; taken one batch ahead of what is given back.

        Yields:
            After each batch, the sources that had windows in it, each once.
        """
        frame = self._base.samples_per_frame
        with closing(self._runner.run(batches_of_entries)) as results:
            for found in results:
                for place, result in found:
                    place.source.add(place, result, frame)
                yield list(dict.fromkeys(place.source for place, _ in found))

    def run_in_order(
        self,
        sources: Iterable[WindowedSource],
        options: BatchOptions,
        window: int,
        on_progress: OnProgress | None = None,
    ) -> Generator[WindowedSource, None, None]:
        """Read sources one after the other and recognise their windows, sorted into batches.

        Args:
            sources: Taken as they are needed; closing the generator closes the one that is open.
            options: What a batch may hold.
            window: Samples of a full window.
            on_progress: Called with the `Progress` of a source after each of its batches.

        Yields:
            Every source in order when it is done, be it with an error.
        """
        rate = self._base.sample_rate
        begun: deque[WindowedSource] = deque()
        reading = _read_all(sources, begun)
        grouped = batches(reading, options, window, rate)
        with closing(reading), closing(self.run(grouped)) as steps:
            for touched in steps:
                if on_progress is not None:
                    for pending in touched:
                        on_progress(pending.progress(rate))
                yield from _leading_done(begun)
        yield from _leading_done(begun)


def _read_all(
    sources: Iterable[WindowedSource], begun: deque[WindowedSource]
) -> Generator[Entry | None, None, None]:
    for source in sources:
        begun.append(source)
        yield from source.windows()


def _leading_done(begun: deque[WindowedSource]) -> Iterator[WindowedSource]:
    """Take the sources from the front that are done: those behind one that is not must wait."""
    while begun and begun[0].pending.done:
        yield begun.popleft()
