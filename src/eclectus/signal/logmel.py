"""NeMo's log-mel features of whole utterances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eclectus.core.errors import OptionError
from eclectus.core.types import Features, FloatArray
from eclectus.signal.melframes import HOP, MelFrames

_DEVIATION_GUARD = np.float32(1e-5)


class LogMel:
    """Features as NeMo's `AudioToMelSpectrogramPreprocessor` makes them, without dither.

    Immutable and shared by threads. Samples must be finite (`signal.decode` sees to that): a NaN
    would spread over its whole row of features.
    """

    def __init__(self, mel_bins: int) -> None:
        """Prepare the filter bank.

        Args:
            mel_bins: M; 80 or 128 in the published models.

        Raises:
            OptionError: The number of bins is out of range.
        """
        self._frames = MelFrames(mel_bins)

    @property
    def mel_bins(self) -> int:
        """M."""
        return self._frames.mel_bins

    def __call__(self, samples: Sequence[FloatArray]) -> Features:
        """Compute the normalised features of a batch.

        Args:
            samples: B arrays (N,) mono float32 at 16 kHz.

        Returns:
            Data (B, M, T) with T the longest item's N // 160, but at least 1; an item's columns
            past its own length are zero. An item shorter than one hop has length 0.
        """
        features = Features.zeros(self.mel_bins, [len(item) // HOP for item in samples])
        for columns, item in zip(features.rows(), samples, strict=True):
            self._frames.columns(_checked(item), 0, 0, columns)
            normalize_in_place(columns)
        return features


def normalize_in_place(columns: FloatArray) -> None:
    """Bring each mel bin to mean 0 and standard deviation 1 over time.

    NeMo's `normalize_batch` with `per_feature`: the unbiased deviation, plus 1e-5. It needs the
    whole utterance, so a live stream can't have it.

    Args:
        columns: (M, T) log-mel features, which are overwritten; all zero for T = 1, where there is
            no deviation. T may be 0.
    """
    count = columns.shape[1]
    if count == 0:
        return
    columns -= columns.mean(axis=1, keepdims=True)
    squares = np.square(columns).sum(axis=1, keepdims=True)
    columns /= np.sqrt(squares / np.float32(max(1, count - 1))) + _DEVIATION_GUARD


def _checked(samples: FloatArray) -> FloatArray:
    if samples.ndim != 1:
        raise OptionError(
            f"features need mono samples of shape (N,), got {samples.shape}", shape=samples.shape
        )
    return samples.astype(np.float32, copy=False)
