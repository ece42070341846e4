"""Reading a source window by window."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self

import numpy as np

from eclectus.core.errors import InferenceError, UndecodableAudioError
from eclectus.core.types import FloatArray
from eclectus.recognition.longform import Plan
from eclectus.recognition.pending import Pending
from eclectus.recognition.reader import Cutting, read_windows
from eclectus.recognition.stitch import Stitcher

FRAME = 1280
CUTTING = Cutting(Plan(10 * FRAME, 0, pauses=False), FRAME)


class Blocks:
    """An `AudioStream` of blocks of one window that may break off."""

    sample_rate = 16_000
    duration_s: float | None = 1.5

    def __init__(self, count: int, *, broken: bool = False) -> None:
        self.count = count
        self.broken = broken
        self.read = 0
        self.closed = False

    def __iter__(self) -> Iterator[FloatArray]:
        for _ in range(self.count):
            self.read += 1
            yield np.zeros(10 * FRAME, np.float32)
        if self.broken:
            raise UndecodableAudioError("broken")

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def pending() -> Pending:
    return Pending("toy", 0, Stitcher(lambda _: True))


def test_windows_come_in_order() -> None:
    source, stream = pending(), Blocks(2)
    found = list(read_windows(source, lambda: stream, CUTTING))
    places = [entry.place for entry in found if entry is not None]
    assert [(place.source, place.number, place.last) for place in places] == [
        (source, 0, False),
        (source, 1, True),
    ]
    assert source.duration_s == 1.5
    assert stream.closed


def test_a_source_that_breaks_off_has_its_error() -> None:
    broken = pending()
    stream = Blocks(3, broken=True)
    found = list(read_windows(broken, lambda: stream, CUTTING))
    assert isinstance(broken.error, UndecodableAudioError)
    assert stream.closed
    # Its last window waits for more samples and never comes.
    assert [entry is None for entry in found] == [False, False, True]


def test_a_source_that_failed_in_the_engine_is_not_read_on() -> None:
    source = pending()
    stream = Blocks(50)
    reading = read_windows(source, lambda: stream, CUTTING)
    next(reading)
    source.error = InferenceError("broken")
    assert list(reading) == []
    assert stream.read <= 2
    assert stream.closed


def test_closing_the_reader_closes_the_open_source() -> None:
    stream = Blocks(50)
    reading = read_windows(pending(), lambda: stream, CUTTING)
    next(reading)
    reading.close()
    assert stream.closed
