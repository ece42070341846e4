"""NeMo's log-mel features of windows that overlap: what they share is computed once."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.signal.logmel import normalize_in_place
from eclectus.signal.melframes import HALF_WINDOW, HOP, TILE, MelFrames

_FIRST = 2
"""Columns at a window's start that see what lies before it, which counts as zero."""
_ROOM = 1.25


class LogMelWindows:
    """Features of windows of one signal, bit for bit what `LogMel` gives for each by itself.

    Columns in the middle of a window are those of the signal, whatever window asks for them; only
    the first two and the last reach past it. They are kept until `forget`. For one thread at a
    time.
    """

    def __init__(self, frames: MelFrames) -> None:
        """Begin a signal.

        Args:
            frames: Computes columns; shared.
        """
        self._frames = frames
        self._kept: FloatArray = np.empty((frames.mel_bins, 0), np.float32)
        self._offset = 0
        self._first = 0
        self._stop = 0

    @property
    def mel_bins(self) -> int:
        """M."""
        return self._frames.mel_bins

    def columns(self, samples: FloatArray, start: int, out: FloatArray) -> None:
        """Write the normalised features of a window.

        Args:
            samples: (N,) mono float32 at 16 kHz, the window.
            start: Its place in the signal.
            out: (M, N // 160) receives them.
        """
        # Up to here they do not see what lies behind the window.
        inner = min(out.shape[1], (len(samples) - HALF_WINDOW) // HOP + 1)
        # A product with the filter bank is the same to the bit at the same place of a tile only.
        if inner <= _FIRST or start % (TILE * HOP):
            self._frames.columns(samples, 0, 0, out)
        else:
            self._frames.columns(samples, 0, 0, out[:, :_FIRST])
            out[:, _FIRST:inner] = self._inner(samples, start // HOP, inner)
            self._frames.columns(samples, 0, inner, out[:, inner:])
        normalize_in_place(out)

    def forget(self, before: int) -> None:
        """Drop what no window that begins at a sample of the signal, or later, asks for."""
        dropped = min(before // HOP, self._stop) - self._first
        if dropped > 0:
            self._first += dropped
            self._offset += dropped

    def _inner(self, samples: FloatArray, origin: int, inner: int) -> FloatArray:
        """Return the columns [2, inner) of a window that begins at column `origin`."""
        first, stop = origin + _FIRST, origin + inner
        if not self._first <= first <= self._stop:
            self._first = self._stop = first
            self._offset = 0
        if stop > self._stop:
            fresh = self._append(stop - self._stop)
            self._frames.columns(samples, 0, stop - fresh.shape[1] - origin, fresh)
        begin = self._offset + first - self._first
        return self._kept[:, begin : begin + stop - first]

    def _append(self, count: int) -> FloatArray:
        """Make room for columns behind those that are kept, and return it."""
        held = self._stop - self._first
        end = self._offset + held
        if end + count > self._kept.shape[1]:
            room = np.empty((len(self._kept), round(_ROOM * (held + count))), np.float32)
            room[:, :held] = self._kept[:, self._offset : end]
            self._kept, self._offset, end = room, 0, held
        self._stop += count
        return self._kept[:, end : end + count]
