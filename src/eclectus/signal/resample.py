"""Change of the sample rate with soxr, continuous across blocks.

soxr's very-high-quality filter keeps aliases 140 dB down and the pass band flat to 91 % of the
lower Nyquist frequency; FFmpeg's resampler at its defaults does neither, so no decoder here
resamples.
"""

from __future__ import annotations

import numpy as np
import soxr

from eclectus.core.errors import OptionError, StreamClosedError
from eclectus.core.types import FloatArray

_QUALITY = "VHQ"
_LOWEST_HZ = 1
_HIGHEST_HZ = 10_000_000


class StreamResampler:
    """Resamples a signal that arrives in blocks of any size.

    N samples in all become exactly ceil(N * target_rate / source_rate), so that the last sample
    of the source always lies inside the result.
    """

    def __init__(self, source_rate: int, target_rate: int, channels: int = 1) -> None:
        """Start a signal.

        Args:
            source_rate: Rate of the samples that will be pushed, in Hz.
            target_rate: Rate of the samples that come out, in Hz.
            channels: 1 for blocks (n,), more for blocks (n, channels).

        Raises:
            OptionError: A rate or the number of channels is out of range.
        """
        for rate in (source_rate, target_rate):
            if not _LOWEST_HZ <= rate <= _HIGHEST_HZ:
                raise OptionError(f"a sample rate of {rate} Hz is impossible", sample_rate=rate)
        if channels < 1:
            raise OptionError(f"{channels} channels; there must be at least 1", channels=channels)
        self._source_rate = source_rate
        self._target_rate = target_rate
        self._channels = channels
        self._received = 0
        self._delivered = 0
        self._closed = False
        self._engine: soxr.ResampleStream | None = None
        if source_rate != target_rate:
            self._engine = soxr.ResampleStream(
                source_rate, target_rate, channels, dtype="float32", quality=_QUALITY
            )

    def push(self, samples: FloatArray) -> FloatArray:
        """Add a block.

        Args:
            samples: (n,) or (n, channels) float32; n may be 0.

        Returns:
            The samples that are ready; the filter holds some back.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        self._require_open()
        self._received += len(samples)
        if self._engine is None or len(samples) == 0:
            return samples
        ready: FloatArray = self._engine.resample_chunk(np.ascontiguousarray(samples))
        self._delivered += len(ready)
        return ready

    def finish(self) -> FloatArray:
        """End the signal and return what the filter held back.

        Raises:
            StreamClosedError: It was called before.
        """
        self._require_open()
        self._closed = True
        empty = np.zeros((0,) if self._channels == 1 else (0, self._channels), np.float32)
        if self._engine is None or self._received == 0:
            return empty
        rest: FloatArray = self._engine.resample_chunk(empty, last=True)
        total = -(-self._received * self._target_rate // self._source_rate)
        return _fit(rest, total - self._delivered)

    def _require_open(self) -> None:
        if self._closed:
            raise StreamClosedError("the resampler's signal has ended; start a new one")


def _fit(samples: FloatArray, length: int) -> FloatArray:
    """Cut or extend by zeros: soxr's own total is rounded, one sample more or less."""
    missing = length - len(samples)
    if missing <= 0:
        return samples[: max(0, length)]
    padding = np.zeros((missing, *samples.shape[1:]), np.float32)
    return np.concatenate([samples, padding])
