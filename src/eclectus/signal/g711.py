"""G.711, the coding of telephone audio: one byte a sample, about 14 bits of range.

ITU-T G.711 (1988): mu-law (North America, Japan) and A-law (elsewhere), by table.
"""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray

_SCALE = np.float32(1 / 32_768)


def _ulaw_table() -> FloatArray:
    code = ~np.arange(256, dtype=np.uint8)
    exponent = (code >> 4) & 7
    mantissa = (code & 15).astype(np.int32)
    level = ((mantissa * 8 + 132) << exponent) - 132
    return np.where(code & 128, -level, level).astype(np.float32) * _SCALE


def _alaw_table() -> FloatArray:
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    exponent = ((code >> 4) & 7).astype(np.int32)
    mantissa = (code & 15).astype(np.int32)
    lowest = mantissa * 16 + 8
    level = np.where(exponent == 0, lowest, (lowest + 256) << np.maximum(exponent - 1, 0))
    return np.where(code & 128, level, -level).astype(np.float32) * _SCALE


_ULAW = _ulaw_table()
_ALAW = _alaw_table()


def decode_ulaw(data: bytes) -> FloatArray:
    """Return the samples (n,) float32 in [-1, 1] of n bytes of mu-law."""
    return _ULAW[np.frombuffer(data, np.uint8)]


def decode_alaw(data: bytes) -> FloatArray:
    """Return the samples (n,) float32 in [-1, 1] of n bytes of A-law."""
    return _ALAW[np.frombuffer(data, np.uint8)]
