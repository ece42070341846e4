"""How much a sound resembles itself a little earlier: voices do a period ago, tones for longer.

The last 40 ms are found again one period before if they are voiced, and not if they are noise. A
tone keeps its period and its spectrum for as long as it lasts, so that it is found 40 to 80 ms
before too, whatever chord it is part of; a voice glides and turns into the next phone. The measure
is the normalised cross-correlation (Talkin 1995, "A robust algorithm for pitch tracking") of the
band of voices, flattened: a spectrum that falls with frequency looks periodic, and that a pitch
glides shows in the upper harmonics. A tone that swings, as a bowed one does, keeps its colour: the
envelope of the spectrum is compared too.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray

_RATE = 16_000
SPAN = 1920
"""Samples that are compared."""

_BAND_HZ = (150.0, 4000.0)
# The band fits into half the rate, in which all that follows counts.
_SPAN = SPAN // 2
_PIECE = 320
_FARTHEST = _SPAN - _PIECE
_PERIODS = slice(20, 129)  # lags of pitches of 400 to 62 Hz
_PAST = slice(320, _FARTHEST + 1)
_GUARD = 1e-30
_LATER = 640
_HANN = np.hanning(_PIECE).astype(np.float32)
_EDGES_HZ = (200, 400, 600, 850, 1150, 1500, 1900, 2400, 3000, 3800)
_BANDS = [2 * round(hertz * _PIECE * 2 / _RATE) for hertz in _EDGES_HZ]
_RANGE_DB = 30.0
"""What a band may lie below the loudest one and count."""


class Resemblance(NamedTuple):
    """How alike 40 ms are to what was before.

    Attributes:
        period: Highest correlation, -1 to 1, with what was 2.5 to 16 ms before: above 0.45 for most
            voiced sounds, and for noise below that in all but one frame of many thousands.
        past: The same with what was 40 to 80 ms before: above 0.55 for tones and chords that go on,
            below for most of speech and for noise.
        change_db: By how much the envelope of the spectrum has changed in 80 ms: below 2.5 for most
            of a tone and of noise, above for most of speech.
    """

    period: float
    past: float
    change_db: float


def _flattening() -> NDArray[np.float32]:
    """Return gains that make noise between white and brown flat, in the band alone."""
    hertz = np.fft.rfftfreq(SPAN, 1 / _RATE)[: _SPAN // 2 + 1]
    inside = (hertz > _BAND_HZ[0]) & (hertz < _BAND_HZ[1])
    return np.asarray(np.where(inside, (hertz / 1000) ** 0.75, 0.0), np.float32)


_FLATTENING = _flattening()


def resemblance(samples: FloatArray) -> Resemblance:
    """Compare the last 40 ms with what was before.

    Args:
        samples: (SPAN,) mono float32 at 16 kHz, 120 ms.

    Returns:
        How alike they are; 0 for digital silence.
    """
    spectrum = np.fft.rfft(samples)[: len(_FLATTENING)] * _FLATTENING
    flat = np.fft.irfft(spectrum, _SPAN)
    piece = flat[-_PIECE:]
    # In the time domain, which is cheaper than three transforms of so few samples.
    correlation = np.correlate(flat, piece, "valid")
    energy = np.concatenate([[0.0], np.cumsum(np.square(flat, dtype=np.float64))])
    power = (energy[_PIECE:] - energy[: _FARTHEST + 1]) * float(np.dot(piece, piece))
    by_lag = (correlation / np.sqrt(np.maximum(power, _GUARD)))[::-1]
    return Resemblance(float(by_lag[_PERIODS].max()), float(by_lag[_PAST].max()), _change(flat))


def _change(flat: NDArray[Any]) -> float:
    """Return by how many dB the envelope of the spectrum has changed in 80 ms."""
    pieces = flat.reshape(-1, _PIECE)[:: _LATER // _PIECE] * _HANN
    spectrum = np.fft.rfft(pieces)
    parts = np.square(spectrum.view(spectrum.real.dtype))  # real and imaginary in turns
    bands = np.add.reduceat(parts, _BANDS, axis=1)[:, :-1]
    before, now = 10 * np.log10(bands + _GUARD)
    loudest = np.maximum(before, now)
    weights = np.maximum(loudest - (loudest.max() - _RANGE_DB), 0.0)
    weights /= weights.sum()
    change = now - before
    return float(np.sqrt(np.square(change - change @ weights) @ weights))
