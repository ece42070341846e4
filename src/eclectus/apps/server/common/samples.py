"""Raw audio of the wires: bytes that arrive in any pieces to samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.signal.g711 import decode_alaw, decode_ulaw


class Encoding(StrEnum):
    """How a sample is written; whole numbers and floats are little-endian."""

    PCM8 = "pcm8"
    PCM16 = "pcm16"
    PCM24 = "pcm24"
    PCM32 = "pcm32"
    FLOAT32 = "float32"
    ULAW = "ulaw"
    ALAW = "alaw"


def _pcm8(data: bytes) -> FloatArray:
    # Unsigned, as in WAV: silence is 128.
    return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) * np.float32(1 / 128)


def _pcm16(data: bytes) -> FloatArray:
    return np.frombuffer(data, "<i2").astype(np.float32) * np.float32(1 / 32_768)


def _pcm24(data: bytes) -> FloatArray:
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return _pcm32(wide.tobytes())


def _pcm32(data: bytes) -> FloatArray:
    return (np.frombuffer(data, "<i4") / 2_147_483_648).astype(np.float32)


def _float32(data: bytes) -> FloatArray:
    # Any bits can come, and what they add up to must be a number.
    given = np.frombuffer(data, "<f4").astype(np.float32)
    clean: FloatArray = np.clip(np.nan_to_num(given, nan=0.0), -1.0, 1.0)
    return clean


_FORMS: Mapping[Encoding, tuple[int, Callable[[bytes], FloatArray]]] = {
    Encoding.PCM8: (1, _pcm8),
    Encoding.PCM16: (2, _pcm16),
    Encoding.PCM24: (3, _pcm24),
    Encoding.PCM32: (4, _pcm32),
    Encoding.FLOAT32: (4, _float32),
    Encoding.ULAW: (1, decode_ulaw),
    Encoding.ALAW: (1, decode_alaw),
}


class SampleReader:
    """Reads one stream of raw audio; a sample may be cut in two by the pieces it comes in."""

    def __init__(self, encoding: Encoding, channels: int = 1) -> None:
        """Begin a stream.

        Args:
            encoding: Of each sample.
            channels: Samples of all channels follow one another.
        """
        width, self._decode = _FORMS[encoding]
        self._block = width * channels
        self._channels = channels
        self._rest = b""

    def read(self, data: bytes) -> FloatArray:
        """Return the samples (n, channels) float32 that are complete."""
        whole = self._rest + data
        stop = len(whole) - len(whole) % self._block
        self._rest = whole[stop:]
        return self._decode(whole[:stop]).reshape(-1, self._channels)

    def read_mono(self, data: bytes) -> FloatArray:
        """Return the samples (n,) that are complete, all channels mixed to one."""
        samples = self.read(data)
        return samples[:, 0] if self._channels == 1 else samples.mean(axis=1, dtype=np.float32)

    def forget(self) -> None:
        """Drop a part of a sample: the next byte begins one."""
        self._rest = b""
