"""The mel filter bank on Slaney's scale, as NeMo takes it from librosa."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray

# Slaney's Auditory Toolbox: linear below 1 kHz, 27 logarithmic steps from there to 6.4 kHz.
_HZ_PER_MEL = 200.0 / 3.0
_BREAK_HZ = 1_000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


@cache
def mel_filters(mel_bins: int, fft_size: int, sample_rate: int) -> FloatArray:
    """Build triangular filters from 0 Hz to half the sample rate, each of unit area.

    Args:
        mel_bins: M.
        fft_size: Length of the transform in samples.
        sample_rate: In Hz.

    Returns:
        (fft_size // 2 + 1, M) weights of the power spectrum, read-only.
    """
    bin_hz = np.fft.rfftfreq(fft_size, 1.0 / sample_rate)[:, None]
    edges = _mel_to_hz(np.linspace(0.0, _hz_to_mel(sample_rate / 2), mel_bins + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bin_hz - low) / (centre - low)
    falling = (high - bin_hz) / (high - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    filters: FloatArray = weights.astype(np.float32)
    filters.setflags(write=False)
    return filters


def _hz_to_mel(hz: float) -> float:
    if hz < _BREAK_HZ:
        return hz / _HZ_PER_MEL
    return _BREAK_MEL + float(np.log(hz / _BREAK_HZ)) / float(_LOG_STEP)


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, logarithmic)
