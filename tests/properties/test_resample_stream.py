"""Resampling: lengths, continuity, quality."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.errors import OptionError, StreamClosedError
from eclectus.core.types import FloatArray
from eclectus.signal.resample import StreamResampler
from tests.support.resampling import resample

_RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]


def _noise(length: int) -> FloatArray:
    return np.random.default_rng(1).standard_normal(length).astype(np.float32)


def _in_chunks(signal: FloatArray, chunks: list[int], source: int, target: int) -> FloatArray:
    stream = StreamResampler(source, target)
    parts = []
    position = 0
    for chunk in [*chunks, len(signal)]:
        parts.append(stream.push(signal[position : position + chunk]))
        position += chunk
    return np.concatenate([*parts, stream.finish()])


@settings(max_examples=60, deadline=None)
@given(
    length=st.integers(0, 20_000),
    source=st.sampled_from(_RATES),
    target=st.sampled_from([8_000, 16_000, 24_000]),
)
def test_the_length_is_the_time_rounded_up(length: int, source: int, target: int) -> None:
    assert len(resample(_noise(length), source, target)) == -(-length * target // source)


@settings(max_examples=40, deadline=None)
@given(
    length=st.integers(0, 30_000),
    chunks=st.lists(st.integers(0, 5_000), max_size=20),
    source=st.sampled_from(_RATES),
)
def test_any_chunking_gives_the_same_signal(length: int, chunks: list[int], source: int) -> None:
    signal = _noise(length)
    # soxr's stages may round once more where a block ends: a few units in the last place.
    np.testing.assert_allclose(
        _in_chunks(signal, chunks, source, 16_000), resample(signal, source, 16_000), atol=2e-6
    )


def test_a_tone_keeps_its_frequency_amplitude_and_phase() -> None:
    time = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 1_000 * time).astype(np.float32)
    expected = np.sin(2 * np.pi * 1_000 * np.arange(16_000) / 16_000)
    middle = slice(500, -500)  # the edges ring, since the tone begins at once
    np.testing.assert_allclose(resample(tone, 48_000, 16_000)[middle], expected[middle], atol=1e-5)


def test_what_lies_above_the_new_band_is_gone() -> None:
    time = np.arange(48_000) / 48_000
    tone = np.sin(2 * np.pi * 9_000 * time).astype(np.float32)
    assert np.abs(resample(tone, 48_000, 16_000)[500:-500]).max() < 1e-6  # -120 dB


def test_equal_rates_change_nothing() -> None:
    signal = _noise(1_000)
    np.testing.assert_array_equal(resample(signal, 16_000, 16_000), signal)


def test_channels_are_resampled_apart() -> None:
    left, right = _noise(4_800), _noise(9_600)[4_800:]
    both = resample(np.stack([left, right], axis=1), 48_000, 16_000)
    np.testing.assert_allclose(both[:, 0], resample(left, 48_000, 16_000), atol=1e-6)
    np.testing.assert_allclose(both[:, 1], resample(right, 48_000, 16_000), atol=1e-6)


@pytest.mark.parametrize("rates", [(0, 16_000), (16_000, -1), (10_000_001, 16_000)])
def test_impossible_rates_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(OptionError):
        StreamResampler(*rates)


def test_no_channels_are_refused() -> None:
    with pytest.raises(OptionError):
        StreamResampler(8_000, 16_000, channels=0)


def test_an_ended_signal_takes_nothing_more() -> None:
    stream = StreamResampler(8_000, 16_000)
    assert len(stream.finish()) == 0
    with pytest.raises(StreamClosedError):
        stream.push(_noise(10))
    with pytest.raises(StreamClosedError):
        stream.finish()
