"""What every decoder delivers, and how it says no."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eclectus.core.errors import OptionError
from eclectus.core.types import FloatArray
from eclectus.signal.given_samples import HIGHEST_RATE_HZ, LOWEST_RATE_HZ

# Floats hold full scale as 1.0, but 16-bit integers left unscaled in a float array are a common
# slip, harmless to normalised features: they pass. Past that, squares would overflow.
_LOUDEST = np.float32(65_536.0)


class DecodedAudio(Protocol):
    """An opened source in its own rate, mixed to mono by the `Mixer` that it was opened with."""

    @property
    def sample_rate(self) -> int:
        """In Hz, as in the source."""
        ...

    @property
    def duration_s(self) -> float | None:
        """Length that the header promises, in seconds; None if it does not say."""
        ...

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the samples (n,) in order, some seconds at a time.

        Damage after the first samples ends the audio there; damage before them raises
        `RefusedError`.
        """
        ...

    def close(self) -> None:
        """Release everything but the source; safe to call twice."""
        ...


class RefusedError(Exception):
    """A decoder can't read the source; another one may. Never leaves `signal`."""


class MissingError(RefusedError):
    """A decoder is not installed. Never leaves `signal`."""


class Mixer:
    """Brings samples of any type and number of channels to mono float32.

    Samples that are not numbers (NaN, infinities) become 0, absurd amplitudes are clipped.
    """

    def __init__(self, channel: int | None = None) -> None:
        """Prepare for one source.

        Args:
            channel: Index of the channel to take; None for the mean of all.

        Raises:
            OptionError: The index is negative.
        """
        if channel is not None and channel < 0:
            raise OptionError(f"channel {channel}: channels count from 0", channel=channel)
        self._channel = channel
        self.heard = False

    def __call__(self, samples: NDArray[Any]) -> FloatArray:
        """Mix a block.

        Args:
            samples: (n, channels) integers of full scale or floats of full scale 1.

        Returns:
            (n,). From the first finite sample on, `heard` is true.

        Raises:
            OptionError: The source has no such channel.
        """
        picked = self._pick(samples)
        floats = to_float(picked)
        finite = np.isfinite(floats)
        if not finite.all():
            floats = np.where(finite, floats, np.float32(0.0))
            self.heard = self.heard or bool(finite.any())
        elif len(floats):
            self.heard = True
        return np.clip(_mean(floats), -_LOUDEST, _LOUDEST)

    def _pick(self, samples: NDArray[Any]) -> NDArray[Any]:
        if self._channel is None:
            return samples
        channels = samples.shape[1]
        if self._channel >= channels:
            raise OptionError(
                f"no channel {self._channel}: the audio has {channels}, counted from 0",
                channel=self._channel,
                channels=channels,
            )
        return samples[:, self._channel : self._channel + 1]


def _mean(floats: FloatArray) -> FloatArray:
    """Return the mean (n,) over channels, as a product: 50 times faster than `mean` for two."""
    channels = floats.shape[1]
    if channels == 1:
        return floats[:, 0]
    mono: FloatArray = floats @ np.full(channels, 1.0 / channels, np.float32)
    return mono


def to_float(samples: NDArray[Any]) -> FloatArray:
    """Scale integers of any width to [-1, 1) float32; floats keep their scale."""
    kind = samples.dtype.kind
    if kind == "u":
        half = 2.0 ** (8 * samples.dtype.itemsize - 1)
        return (samples.astype(np.float32) - np.float32(half)) * np.float32(1.0 / half)
    if kind == "i":
        scale = np.float32(0.5 ** (8 * samples.dtype.itemsize - 1))
        return samples.astype(np.float32) * scale
    with np.errstate(over="ignore"):
        return samples.astype(np.float32, copy=False)


def check_rate(sample_rate: int) -> int:
    """Return the rate if audio can have it.

    Raises:
        RefusedError: A header lies; at 1 Hz a few bytes would last for hours.
    """
    if not LOWEST_RATE_HZ <= sample_rate <= HIGHEST_RATE_HZ:
        raise RefusedError(f"its header says {sample_rate} samples per second")
    return sample_rate
