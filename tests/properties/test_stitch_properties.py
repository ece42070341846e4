"""Joining overlapping windows gives back the stream that was cut."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.types import Hypothesis
from eclectus.recognition.stitch import Stitcher

WINDOW, OVERLAP = 60, 20
STEP = WINDOW - OVERLAP
VOCABULARY = 6  # few, so that tokens repeat


def hypothesis(ids: list[int], frames: list[int]) -> Hypothesis:
    count = len(ids)
    return Hypothesis(
        np.array(ids, np.int64),
        np.array(frames, np.int64),
        np.ones(count, np.int64),
        np.full(count, -0.25, np.float32),
        np.zeros(count, np.float32),
        -0.25 * count,
    )


def starts_word(token_id: int) -> bool:
    return token_id % 2 == 0


@st.composite
def streams(draw: st.DrawFn) -> Hypothesis:
    gaps = draw(st.lists(st.integers(0, 9), max_size=80))
    frames = np.cumsum([0, *gaps])[1:].tolist() if gaps else []
    ids = draw(st.lists(st.integers(0, VOCABULARY - 1), min_size=len(gaps), max_size=len(gaps)))
    return hypothesis(ids, frames)


def windows_of(stream: Hypothesis) -> list[tuple[int, int]]:
    last = int(stream.frames[-1]) if len(stream) else 0
    starts = [0]
    while starts[-1] + WINDOW <= last:
        starts.append(starts[-1] + STEP)
    return [(start, start + WINDOW) for start in starts]


def cut(stream: Hypothesis, start: int, stop: int) -> Hypothesis:
    first, end = stream.frames.searchsorted([start, stop])
    return stream.slice(int(first), int(end))


def join(parts: list[Hypothesis], windows: list[tuple[int, int]]) -> Hypothesis:
    stitcher = Stitcher(starts_word)
    previous_stop = 0
    for part, (start, stop) in zip(parts, windows, strict=True):
        stitcher.push(part, start, previous_stop)
        previous_stop = stop
    return stitcher.finish()


@given(streams())
def test_a_stream_cut_into_overlapping_windows_joins_to_itself(stream: Hypothesis) -> None:
    windows = windows_of(stream)
    joined = join([cut(stream, *window) for window in windows], windows)
    assert joined.token_ids.tolist() == stream.token_ids.tolist()
    assert joined.frames.tolist() == stream.frames.tolist()


@given(streams(), st.data())
def test_garbage_at_the_edges_of_windows_is_left_out(
    stream: Hypothesis, data: st.DataObject
) -> None:
    windows = windows_of(stream)
    parts = []
    for number, (start, stop) in enumerate(windows):
        part = cut(stream, start, stop)
        edges: list[list[int]] = [[], []]
        if number > 0:
            edges[0] = [start] * data.draw(st.integers(0, 2))
        if number < len(windows) - 1:
            edges[1] = [stop - 1] * data.draw(st.integers(0, 2))
        garbage = [hypothesis([VOCABULARY + 1] * len(edge), edge) for edge in edges]
        parts.append(Hypothesis.concat([garbage[0], part, garbage[1]]))
    joined = join(parts, windows)
    in_overlaps = [
        bool(len(cut(stream, right[0] + 2, left[1] - 2))) for left, right in pairwise(windows)
    ]
    if all(in_overlaps):
        assert joined.token_ids.tolist() == stream.token_ids.tolist()


@given(streams(), st.integers(-1, 1))
def test_a_window_that_is_a_frame_off_repeats_and_loses_nothing(
    stream: Hypothesis, shift: int
) -> None:
    # One token a frame or fewer, and different neighbours: else a shift is ambiguous.
    keep = np.flatnonzero(np.diff(stream.frames, prepend=-9) >= 3)
    ids = [(2 * position) % 40 for position in range(len(keep))]
    stream = hypothesis(ids, stream.frames[keep].tolist())
    windows = windows_of(stream)
    parts = [cut(stream, *window) for window in windows]
    moved = [part.shift(shift if number % 2 else 0) for number, part in enumerate(parts)]
    joined = join(moved, windows)
    assert joined.token_ids.tolist() == stream.token_ids.tolist()
    assert (np.diff(joined.frames) >= 0).all()
