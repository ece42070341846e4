"""Samples that are already in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from eclectus.core.errors import OptionError, UndecodableAudioError
from eclectus.core.types import FloatArray
from eclectus.signal.decoded import Mixer
from eclectus.signal.given_samples import given_array, given_rate

_BLOCK_S = 5
_MOST_CHANNELS = 64


class ArraySource:
    """A NumPy array of samples, read block by block without a copy of the whole."""

    def __init__(self, samples: NDArray[Any], sample_rate: int, mixer: Mixer) -> None:
        """Check the array.

        Args:
            samples: (N,) or (N, channels) of a type that `given_array` takes.
            sample_rate: In Hz.
            mixer: For the channels.

        Raises:
            OptionError: Type, shape or rate is impossible.
            UndecodableAudioError: There are no samples.
        """
        samples = given_array(samples)
        if samples.ndim not in (1, 2):
            raise OptionError(f"samples have shape {samples.shape}; use (N,) or (N, channels)")
        if samples.size == 0:
            raise UndecodableAudioError("the array holds no samples")
        self._samples = samples.reshape(len(samples), -1)
        channels = self._samples.shape[1]
        if channels > _MOST_CHANNELS:
            raise OptionError(
                f"{channels} channels; samples of shape (channels, N) must be transposed"
            )
        self.sample_rate = given_rate(sample_rate)
        self._mixer = mixer

    @property
    def duration_s(self) -> float | None:
        """Exact."""
        return len(self._samples) / self.sample_rate

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the samples; see `DecodedAudio`."""
        step = _BLOCK_S * self.sample_rate
        for start in range(0, len(self._samples), step):
            yield self._mixer(self._samples[start : start + step])

    def close(self) -> None:
        """Nothing to release."""
