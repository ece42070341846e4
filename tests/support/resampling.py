"""Whole signals at another rate."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.signal.resample import StreamResampler


def resample(samples: FloatArray, source_rate: int, target_rate: int) -> FloatArray:
    """Resample (N,) or (N, channels) in one piece."""
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    stream = StreamResampler(source_rate, target_rate, channels)
    return np.concatenate([stream.push(samples), stream.finish()])
