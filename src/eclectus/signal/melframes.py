"""Log-mel columns of a stretch of signal: the arithmetic that files and streams share.

Features of whole utterances (`logmel`) and of windows that overlap
(`logmel_windows`) both call `MelFrames.columns`, so they agree to the last bit. The matrix product
with the filter bank is always of one shape, (4, 257) x (257, M), with mel frame t in row t % 4: a
BLAS may sum in another order for another shape or row, but not for another neighbour. So small a
product is also below what a BLAS divides among threads, which would stand in the way of the
network's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eclectus.core.errors import OptionError
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import FloatArray
from eclectus.signal.melbank import mel_filters

HOP = 160
WINDOW = 400
HALF_WINDOW = WINDOW // 2

_FFT_SIZE = 512
_OFFSET = (_FFT_SIZE - WINDOW) // 2
_PRE_EMPHASIS = np.float32(0.97)
_LOG_GUARD = np.float32(2.0**-24)
TILE = 4
_BLOCK = 32 * TILE  # transform, power and mel of a block stay in the second-level cache


class MelFrames:
    """Computes log-mel columns of any run of mel frames; immutable, shared by threads.

    Mel frame t is centred on sample 160 t: pre-emphasis 0.97, symmetric Hann window of 400
    samples in the middle of a 512-point transform, power, mel filter bank, log(x + 2^-24)
    (`FilterbankFeatures` in NeMo's `asr/parts/preprocessing/features.py`).
    """

    def __init__(self, mel_bins: int) -> None:
        if not 1 <= mel_bins <= 256:
            raise OptionError(f"{mel_bins} mel bins; there can be 1 to 256", mel_bins=mel_bins)
        self.mel_bins = mel_bins
        self._filters = mel_filters(mel_bins, _FFT_SIZE, SAMPLE_RATE)
        self._window = _hann_window()

    def columns(self, samples: FloatArray, origin: int, first: int, out: FloatArray) -> None:
        """Write the log-mel columns of mel frames `first` and following.

        Args:
            samples: (n,) a stretch of the signal; samples around it count as zero. For the
                pre-emphasis it must begin at least one sample before the first mel frame's
                window, or at the start of the signal.
            origin: Index in the whole signal of `samples[0]`.
            first: Index of the first mel frame.
            out: (M, t) receives the columns; t is how many mel frames are wanted.
        """
        count = out.shape[1]
        done = 0
        while done < count:
            begin = first + done
            rows = min(count - done, _BLOCK - begin % TILE)
            stop = done + rows
            out[:, done:stop] = self._block(samples, origin, begin, rows)
            done = stop

    def _block(self, samples: FloatArray, origin: int, first: int, rows: int) -> FloatArray:
        """Return (M, rows) log-mel columns of mel frames that start in one tile."""
        low = first * HOP - HALF_WINDOW - origin
        emphasised = _emphasise(samples, low, (rows - 1) * HOP + WINDOW)
        windows = np.lib.stride_tricks.sliding_window_view(emphasised, WINDOW)[::HOP]
        # NumPy transforms double precision four times faster than single.
        padded = np.zeros((rows, _FFT_SIZE))
        np.multiply(windows, self._window, out=padded[:, _OFFSET : _OFFSET + WINDOW])
        return self._log_mel(padded, first % TILE)

    def _log_mel(self, padded: NDArray[np.float64], row: int) -> FloatArray:
        """Return (M, rows) of windowed samples (rows, 512) whose first belongs in `row`."""
        rows = len(padded)
        tiles = -(-(row + rows) // TILE)
        power = np.zeros((tiles * TILE, _FFT_SIZE // 2 + 1), np.float32)
        _power(padded, out=power[row : row + rows])
        mel = np.matmul(power.reshape(tiles, TILE, -1), self._filters)
        logs = mel.reshape(tiles * TILE, -1)[row : row + rows]
        logs += _LOG_GUARD
        columns: FloatArray = np.log(logs, out=logs).T
        return columns


def _hann_window() -> FloatArray:
    """Return the symmetric Hann window with PyTorch's roundings.

    Its angles and products are single precision; a window rounded once from double differs by
    2e-7, which shows in the lowest bins, where pre-emphasis leaves little.
    """
    angles = np.arange(WINDOW, dtype=np.float32) * np.float32(2.0 * np.pi / (WINDOW - 1))
    cosines = np.cos(angles.astype(np.float64)).astype(np.float32)
    return np.float32(0.5) - np.float32(0.5) * cosines


def _emphasise(samples: FloatArray, low: int, length: int) -> FloatArray:
    """Return x[n] - 0.97 x[n - 1] for n in [low, low + length), zero outside the signal."""
    result = np.zeros(length, np.float32)
    start, stop = max(low, 0), min(low + length, len(samples))
    if start >= stop:
        return result
    inside = result[start - low : stop - low]
    inside[:] = samples[start:stop]
    earlier = samples[max(start - 1, 0) : stop - 1]
    inside[len(inside) - len(earlier) :] -= _PRE_EMPHASIS * earlier
    return result


def _power(padded: NDArray[np.float64], out: FloatArray) -> None:
    """Write the power spectra (rows, 257) of windowed samples (rows, 512)."""
    spectrum = np.fft.rfft(padded)
    np.add(np.square(spectrum.real), np.square(spectrum.imag), out=out, casting="same_kind")
