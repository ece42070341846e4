"""NeMo's log-mel features of audio that arrives in chunks."""

from __future__ import annotations

import numpy as np

from eclectus.core.errors import StreamClosedError
from eclectus.core.types import FloatArray
from eclectus.signal.melframes import HALF_WINDOW, HOP, MelFrames


class LogMelStream:
    """The incremental twin of `LogMel.raw`: the same columns, bit for bit, for any chunking.

    A mel frame comes out as soon as its window is complete, 200 samples (12.5 ms) after its
    centre. There is no normalisation: that needs the end of the utterance.
    """

    def __init__(self, mel_bins: int) -> None:
        """Start a stream.

        Args:
            mel_bins: M.

        Raises:
            OptionError: The number of bins is out of range.
        """
        self._frames = MelFrames(mel_bins)
        self._tail: FloatArray = np.zeros(0, np.float32)
        self._origin = 0
        self._next = 0
        self._closed = False

    @property
    def mel_bins(self) -> int:
        """M."""
        return self._frames.mel_bins

    def push(self, samples: FloatArray) -> FloatArray:
        """Add samples.

        Args:
            samples: (n,) mono float32 at 16 kHz; n may be 0.

        Returns:
            (M, t) the columns that became complete; t may be 0.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        self._require_open()
        self._tail = np.concatenate([self._tail, samples.astype(np.float32, copy=False)])
        received = self._origin + len(self._tail)
        complete = (received - HALF_WINDOW) // HOP + 1
        return self._columns_up_to(complete)

    def finish(self) -> FloatArray:
        """End the stream.

        Returns:
            (M, t) the last columns, for which the signal counts as zero after its end; N // 160
            in all since the start.

        Raises:
            StreamClosedError: It was called before.
        """
        self._require_open()
        self._closed = True
        return self._columns_up_to((self._origin + len(self._tail)) // HOP)

    def _columns_up_to(self, stop: int) -> FloatArray:
        columns = np.empty((self.mel_bins, max(0, stop - self._next)), np.float32)
        if columns.shape[1]:
            self._frames.columns(self._tail, self._origin, self._next, columns)
            self._next = stop
            self._forget()
        return columns

    def _forget(self) -> None:
        """Drop samples that no later mel frame sees; pre-emphasis looks one sample back."""
        needed = max(0, self._next * HOP - HALF_WINDOW - 1)
        self._tail = self._tail[needed - self._origin :].copy()
        self._origin = needed

    def _require_open(self) -> None:
        if self._closed:
            raise StreamClosedError("the feature stream has ended; start a new one")
