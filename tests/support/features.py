"""Features without the normalisation, which differs from window to window."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.signal.melframes import HOP, MelFrames


def raw_features(mel_bins: int, samples: FloatArray) -> FloatArray:
    """Natural logs of mel power (M, N // 160) of samples (N,)."""
    columns = np.empty((mel_bins, len(samples) // HOP), np.float32)
    MelFrames(mel_bins).columns(samples, 0, 0, columns)
    return columns
