"""The incremental features equal the batch ones, to the bit, for any chunking."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.errors import StreamClosedError
from eclectus.signal.logmel import LogMel
from eclectus.signal.logmel_stream import LogMelStream
from tests.support.media import voice

_SIGNAL = voice(4.0)


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(0, 40_000),
    chunks=st.lists(st.integers(0, 6_000), max_size=30),
    bins=st.sampled_from([80, 128]),
)
def test_any_chunking_gives_the_batch_features(length: int, chunks: list[int], bins: int) -> None:
    signal = _SIGNAL[:length]
    stream = LogMelStream(bins)
    columns = []
    position = 0
    for chunk in [*chunks, length]:
        columns.append(stream.push(signal[position : position + chunk]))
        position += chunk
    columns.append(stream.finish())
    np.testing.assert_array_equal(np.concatenate(columns, axis=1), LogMel(bins).raw(signal))


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 16_000))
def test_a_mel_frame_comes_as_soon_as_its_window_is_complete(first: int) -> None:
    columns = LogMelStream(80).push(_SIGNAL[:first])
    assert columns.shape[1] == max(0, (first - 200) // 160 + 1)


def test_one_sample_at_a_time_gives_the_batch_features() -> None:
    signal = _SIGNAL[:1_700]
    stream = LogMelStream(80)
    columns = [stream.push(signal[i : i + 1]) for i in range(len(signal))]
    columns.append(stream.finish())
    np.testing.assert_array_equal(np.concatenate(columns, axis=1), LogMel(80).raw(signal))


def test_a_long_stream_keeps_only_what_it_needs() -> None:
    stream = LogMelStream(80)
    for _ in range(50):
        stream.push(_SIGNAL[:16_000])
    assert len(stream._tail) < 1_000


def test_an_ended_stream_takes_nothing_more() -> None:
    stream = LogMelStream(80)
    assert stream.mel_bins == 80
    stream.finish()
    with pytest.raises(StreamClosedError):
        stream.push(_SIGNAL[:10])
    with pytest.raises(StreamClosedError):
        stream.finish()
