"""Batched features: shapes, masks, extremes. Numbers against NeMo are in tests/golden."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from eclectus.core.errors import OptionError
from eclectus.signal.logmel import LogMel
from eclectus.signal.melbank import mel_filters
from tests.support.features import raw_features
from tests.support.media import voice

_SILENT = np.log(np.float32(2.0**-24))


def test_a_batch_has_the_columns_of_its_longest_item_and_zeros_past_each_length() -> None:
    features = LogMel(80)([voice(1.0), voice(0.5)])
    assert features.data.shape == (2, 80, 100)
    assert features.data.dtype == np.float32
    assert features.lengths.tolist() == [100, 50]
    assert not features.data[1, :, 50:].any()
    assert features.data[1, :, 49].any()


def test_an_item_is_the_same_alone_and_in_a_batch() -> None:
    log_mel = LogMel(128)
    short, long = voice(0.7), voice(1.3)
    together = log_mel([long, short]).data[1, :, :70]
    np.testing.assert_array_equal(log_mel([short]).data[0], together)


def test_normalised_bins_have_mean_zero_and_unbiased_deviation_one() -> None:
    data = LogMel(80)([voice(2.0)]).data[0]
    np.testing.assert_allclose(data.mean(axis=1), 0.0, atol=1e-5)
    np.testing.assert_allclose(data.std(axis=1, ddof=1), 1.0, atol=1e-3)


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (1, 0), (159, 0), (160, 1), (319, 1), (320, 2), (16_001, 100)]
)
def test_there_is_a_mel_frame_for_each_whole_hop(samples: int, frames: int) -> None:
    log_mel = LogMel(80)
    signal = voice(2.0)[:samples]
    features = log_mel([signal])
    assert features.lengths.tolist() == [frames]
    assert features.data.shape == (1, 80, max(1, frames))
    assert np.isfinite(features.data).all()


def test_a_single_mel_frame_normalises_to_zero() -> None:
    assert not LogMel(80)([voice(1.0)[:160]]).data.any()


def test_an_empty_batch_is_empty() -> None:
    features = LogMel(80)([])
    assert features.data.shape == (0, 80, 1)
    assert features.lengths.shape == (0,)


def test_silence_is_the_guard_everywhere() -> None:
    np.testing.assert_array_equal(raw_features(80, np.zeros(1_600, np.float32)), _SILENT)


def test_full_scale_and_beyond_stay_finite() -> None:
    loud = np.full(16_000, 65_536.0, np.float32)
    loud[::2] *= -1
    assert np.isfinite(LogMel(128)([loud]).data).all()


def test_raw_columns_equal_the_definition_in_double_precision() -> None:
    samples = voice(0.5)
    expected = _by_definition(samples.astype(np.float64), 80)
    # Single precision against double: the log magnifies where pre-emphasis leaves little.
    np.testing.assert_allclose(raw_features(80, samples), expected, atol=2e-3)
    assert np.median(np.abs(raw_features(80, samples) - expected)) < 2e-6


def test_a_later_sample_than_the_window_changes_nothing() -> None:
    samples = voice(1.0)
    changed = samples.copy()
    changed[50 * 160 + 200 :] = 0.0
    before, after = raw_features(80, samples), raw_features(80, changed)
    np.testing.assert_array_equal(before[:, :51], after[:, :51])


def test_features_need_mono_samples() -> None:
    with pytest.raises(OptionError, match=r"\(N,\)"):
        LogMel(80)([np.zeros((100, 2), np.float32)])


@pytest.mark.parametrize("bins", [0, -1, 257])
def test_an_impossible_number_of_bins_is_refused(bins: int) -> None:
    with pytest.raises(OptionError):
        LogMel(bins)


def test_mel_filters_are_triangles_of_unit_area() -> None:
    filters = mel_filters(80, 4_096, 16_000).astype(np.float64)
    hz_per_bin = 16_000 / 4_096
    # With bins this narrow against the filters the sum is the integral, to the bins' width.
    np.testing.assert_allclose(filters.sum(axis=0) * hz_per_bin, 1.0, atol=0.02)
    peaks = filters.argmax(axis=0)
    assert (np.diff(peaks) > 0).all()


def test_the_mel_scale_is_linear_below_one_kilohertz_and_logarithmic_above() -> None:
    peaks = mel_filters(80, 16_384, 16_000).argmax(axis=0) * 16_000 / 16_384
    steps = np.diff(peaks)
    assert np.ptp(steps[:20]) < 2.0
    ratios = peaks[41:] / peaks[40:-1]
    assert np.ptp(ratios) < 0.002


def _by_definition(samples: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    emphasised = np.append(samples[0], samples[1:] - 0.97 * samples[:-1])
    padded = np.concatenate([np.zeros(256), emphasised, np.zeros(256)])
    window = np.zeros(512)
    window[56:456] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)
    columns = []
    for frame in range(len(samples) // 160):
        power = np.abs(np.fft.rfft(padded[frame * 160 : frame * 160 + 512] * window)) ** 2
        columns.append(np.log(power @ mel_filters(bins, 512, 16_000) + 2.0**-24))
    return np.array(columns).T
