"""G.711, the companding of telephones: one byte a sample, 8,000 a second (ITU-T G.711, 1988).

Both laws are tables of 256 values, scaled so that their largest step stays within [-1, 1].
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray

_FULL_SCALE = np.float32(32_768.0)


def decode_ulaw(data: bytes) -> FloatArray:
    """Decode µ-law, the law of North America and Japan.

    Args:
        data: One byte a sample.

    Returns:
        (N,) float32 in [-1, 1], N bytes long.
    """
    return _ULAW[np.frombuffer(data, np.uint8)]


def decode_alaw(data: bytes) -> FloatArray:
    """Decode A-law, the law of the rest of the world.

    Args:
        data: One byte a sample.

    Returns:
        (N,) float32 in [-1, 1], N bytes long.
    """
    return _ALAW[np.frombuffer(data, np.uint8)]


def _ulaw_table() -> FloatArray:
    """All bits are inverted on the line; 14-bit values with a bias of 33, here times 4."""
    codes = ~np.arange(256, dtype=np.uint8)
    exponent, mantissa = (codes >> 4 & 7).astype(np.int64), (codes & 15).astype(np.int64)
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return _signed(magnitude, negative=codes >= 128)


def _alaw_table() -> FloatArray:
    """Every other bit is inverted on the line; 13-bit values, here times 8."""
    codes = np.arange(256, dtype=np.uint8) ^ np.uint8(0x55)
    exponent, mantissa = (codes >> 4 & 7).astype(np.int64), (codes & 15).astype(np.int64)
    steep = ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0)
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, steep)
    return _signed(magnitude, negative=codes < 128)


def _signed(magnitude: NDArray[np.int64], negative: NDArray[np.bool_]) -> FloatArray:
    return np.asarray(np.where(negative, -magnitude, magnitude), np.float32) / _FULL_SCALE


_ULAW = _ulaw_table()
_ALAW = _alaw_table()
