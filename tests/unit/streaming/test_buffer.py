"""The last samples of a stream."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectus.streaming.buffer import SampleBuffer


@given(st.lists(st.tuples(st.integers(0, 50_000), st.integers(0, 60_000)), max_size=12))
def test_samples_stay_at_their_place(pushes: list[tuple[int, int]]) -> None:
    buffer = SampleBuffer()
    for count, back in pushes:
        buffer.add(np.arange(buffer.stop, buffer.stop + count, dtype=np.float32))
        buffer.forget(buffer.stop - back)
        start = max(buffer.start, buffer.stop - 1000)
        expected = np.arange(start, buffer.stop, dtype=np.float32)
        np.testing.assert_array_equal(buffer.read(start, buffer.stop), expected)
    assert buffer.stop == sum(count for count, _ in pushes)


def test_what_is_read_does_not_change_later() -> None:
    buffer = SampleBuffer()
    buffer.add(np.ones(10, np.float32))
    part = buffer.read(0, 10)
    buffer.forget(5)
    buffer.add(np.zeros(10, np.float32))
    assert part.tolist() == [1.0] * 10


def test_memory_does_not_grow_with_the_stream() -> None:
    buffer = SampleBuffer()
    for _ in range(1000):
        buffer.add(np.zeros(1000, np.float32))
        buffer.forget(buffer.stop - 2000)
    assert len(buffer._data) < 50_000
