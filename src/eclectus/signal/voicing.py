"""How periodic a sound is, as voices are and noise is not.

The autocorrelation of each mel frame at the lags of a voice's pitch, divided by that of the
analysis window (Boersma 1993, "Accurate short-term analysis of the fundamental frequency ..."),
of the band of voices, flattened, since a spectrum that falls with frequency looks periodic too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray
from eclectus.signal.vad import WINDOW

_RATE = 16_000
_FFT_SIZE = 512
_BAND_HZ = (150.0, 4000.0)
# Lags of pitches of 400 to 125 Hz. Lower voices have formants that ring in step; longer lags
# leave too little of the window, and noise comes out periodic.
_LAGS = slice(40, 128)

_HANN: FloatArray = np.hanning(WINDOW).astype(np.float32)


def _flattening() -> NDArray[np.float32]:
    """Return what lies between the slopes of white and brown noise, in the band alone."""
    hertz = np.fft.rfftfreq(_FFT_SIZE, 1 / _RATE)
    inside = (hertz > _BAND_HZ[0]) & (hertz < _BAND_HZ[1])
    return np.asarray(np.where(inside, (hertz / 1000) ** 1.5, 0.0), np.float32)


def _window_share() -> NDArray[np.float32]:
    power = np.square(np.abs(np.fft.rfft(_HANN, _FFT_SIZE)))
    correlation = np.fft.irfft(power, _FFT_SIZE)
    return np.asarray(correlation[_LAGS] / correlation[0], np.float32)


_FLATTENING = _flattening()
_WINDOW_SHARE = _window_share()


def periodicity(samples: FloatArray) -> float:
    """Measure a mel frame.

    Args:
        samples: (320,) mono float32 at 16 kHz.

    Returns:
        Mostly 0.6 to 1 for voiced sounds, below 0.6 for nearly all frames of noise; 0 for digital
        silence.
    """
    spectrum = np.fft.rfft(samples * _HANN, _FFT_SIZE)
    power = (np.square(spectrum.real) + np.square(spectrum.imag)) * _FLATTENING
    correlation = np.fft.irfft(power, _FFT_SIZE)
    if not correlation[0] > 0:
        return 0.0
    return float((correlation[_LAGS] / _WINDOW_SHARE).max() / correlation[0])
