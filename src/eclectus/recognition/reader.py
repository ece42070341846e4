"""Reads a source window by window."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from eclectus.core.errors import EclectusError
from eclectus.core.protocols import AudioStream
from eclectus.recognition.longform import FindPause, Plan, cut_windows
from eclectus.recognition.pending import Entry, Pending, Place

Opener = Callable[[], AudioStream]
SourceOpener = Callable[..., AudioStream]
"""With the arguments of `signal.decode.open_audio`."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """How sources are divided into windows.

    Attributes:
        plan: Lengths.
        frame: Samples of an encoder frame.
        find_pause: Where to divide, for a plan with pauses.
    """

    plan: Plan
    frame: int
    find_pause: FindPause | None = None


def read_windows(
    pending: Pending, opener: Opener, cutting: Cutting
) -> Generator[Entry | None, None, None]:
    """Read the windows of a source in order.

    Yields:
        Every window; None if the source failed, with its `error` set. Reading also stops when a
        window of the source failed in the engine.
    """
    try:
        with opener() as stream:
            pending.duration_s = stream.duration_s
            yield from _read(pending, stream, cutting)
    except EclectusError as error:
        pending.error = pending.error or error
        yield None


def _read(pending: Pending, stream: AudioStream, cutting: Cutting) -> Generator[Entry, None, None]:
    pieces = cut_windows(stream, cutting.plan, cutting.frame, cutting.find_pause)
    for number, piece in enumerate(pieces):
        yield Entry(Place(pending, number, piece.window, piece.last), piece.samples)
        if pending.error is not None:
            return
