"""Reads sources one after the other, window by window."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable

from eclectus.core.errors import EclectusError
from eclectus.core.protocols import AudioStream
from eclectus.recognition.longform import FindPause, Plan, cut_windows
from eclectus.recognition.pool import Entry, Pending
from eclectus.recognition.stitch import StartsWord, Stitcher

Opener = Callable[[], AudioStream]


def read_sources(
    openers: Iterable[Opener],
    plan: Plan,
    frame: int,
    starts_word: StartsWord,
    find_pause: FindPause | None,
) -> Generator[Entry | Pending, None, None]:
    """Read the windows of all sources in order.

    Yields:
        Every window; and a source by itself when it has failed, its `error` set.
    """
    for index, opener in enumerate(openers):
        source = Pending(index, Stitcher(starts_word))
        try:
            with opener() as stream:
                source.duration_s = stream.duration_s
                for piece in cut_windows(stream, plan, frame, find_pause):
                    yield Entry(source, piece)
        except EclectusError as error:
            source.error = error
            yield source
