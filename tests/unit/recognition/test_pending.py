"""Grouping windows, and putting results in order again."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.errors import InferenceError
from eclectus.core.options import BatchOptions
from eclectus.core.types import Hypothesis, Window
from eclectus.recognition.pending import Entry, Pending, Place, batches, group
from eclectus.recognition.stitch import Stitcher

RATE = 16_000
FRAME = 1280


def pending() -> Pending:
    return Pending("toy", 0, Stitcher(lambda _: True))


def entry(samples: int, number: int = 0, source: Pending | None = None) -> Entry:
    place = Place(source or pending(), number, Window(0, samples, 0, samples), False)
    return Entry(place, np.zeros(samples, np.float32))


def spoken(token_id: int) -> Hypothesis:
    one = np.zeros(1, np.float32)
    return Hypothesis(np.array([token_id]), np.array([1]), np.array([1]), one, one)


@given(st.lists(st.integers(160, 40 * RATE), max_size=60), st.integers(1, 20), st.floats(1, 100))
def test_groups_hold_every_window_once_and_keep_the_limits(
    lengths: list[int], size: int, seconds: float
) -> None:
    groups = group(lengths, BatchOptions(size=size, max_audio_s=seconds), RATE)
    assert sorted(i for rows in groups for i in rows) == list(range(len(lengths)))
    for rows in groups:
        longest = max(lengths[i] for i in rows)
        assert len(rows) <= size
        assert len(rows) == 1 or longest * len(rows) <= seconds * RATE
    in_order = [lengths[i] for rows in groups for i in rows]
    assert in_order == sorted(in_order, reverse=True)


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 6), st.sampled_from([0.001, 0.01]))
def test_batches_hold_every_window_once_whatever_arrives(
    lengths: list[int], size: int, seconds: float
) -> None:
    options = BatchOptions(size=size, max_audio_s=seconds)
    entries = [entry(length, number) for number, length in enumerate(lengths)]
    found = list(batches(entries, options, 30, RATE))
    numbers = sorted(one.place.number for batch in found for one in batch)
    assert numbers == list(range(len(lengths)))
    for batch in found:
        longest = max(len(one.samples) for one in batch)
        assert len(batch) == 1 or longest * len(batch) <= seconds * RATE
        assert len(batch) <= size


def test_full_windows_do_not_wait_for_more_than_a_batch() -> None:
    taken = 0

    def reading() -> "list[Entry]":
        nonlocal taken
        taken += 1
        return [entry(10 * RATE)]

    options = BatchOptions(size=16, max_audio_s=40.0)
    stream = (one for _ in range(100) for one in reading())
    first = next(batches(stream, options, 10 * RATE, RATE))
    assert (len(first), taken) == (4, 4)


def test_short_windows_are_sorted_over_more_than_a_batch() -> None:
    options = BatchOptions(size=2, max_audio_s=10.0)
    lengths = [RATE, 5 * RATE, RATE, 5 * RATE]
    found = list(batches([entry(length) for length in lengths], options, 60 * RATE, RATE))
    assert [[len(one.samples) // RATE for one in batch] for batch in found] == [[5, 5], [1, 1]]


def test_a_failed_source_is_not_held_back() -> None:
    found = batches([None, entry(RATE), None], BatchOptions(), 60 * RATE, RATE)
    assert [len(batch) for batch in found] == [0, 0, 1]


def places(source: Pending, count: int) -> list[Place]:
    return [
        Place(source, i, Window(i * 5 * FRAME, (i + 1) * 5 * FRAME, 0, 0), i == count - 1)
        for i in range(count)
    ]


def test_windows_are_stitched_in_order_whatever_order_they_come_in() -> None:
    source = pending()
    for number in (2, 0, 1):
        assert not source.done
        source.add(places(source, 3)[number], spoken(number), FRAME)
    assert source.complete
    assert source.samples == 15 * FRAME
    found = source.stitcher.finish()
    assert found.token_ids.tolist() == [0, 1, 2]
    assert found.frames.tolist() == [1, 6, 11]


def test_the_first_error_of_a_source_stays() -> None:
    source = pending()
    first, second = InferenceError("first"), InferenceError("second")
    windows = places(source, 3)
    source.add(windows[1], first, FRAME)
    source.add(windows[0], spoken(4), FRAME)
    source.add(windows[2], second, FRAME)
    assert source.error is first
    assert source.done
    assert not source.complete
