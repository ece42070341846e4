"""Where speech is, from the level alone: no network, constant memory.

A mel frame (10 ms) counts as speech when its level in the band of voices stands out from the
noise: the lowest smoothed level of the neighbourhood (minimum statistics, Martin 2001). A live
stream knows the past alone, and is taken to begin in quiet so that it may begin in the middle of
a word; there the spectrum must have peaks now and then, as that of voices has and noise has not.
It is the fallback where Silero's network is not installed, and it finds the pauses of files.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray
from eclectus.signal.spans import Span, merge_spans

_HOP = 160
_WINDOW = 320
_FFT_SIZE = 512
_BAND = slice(5, 129)  # 156 to 4,000 Hz
_BLOCK = 256  # mel frames; their spectra stay in the cache
# A spectrum that falls with frequency, as that of most noise does, would look peaked.
_FLATTENING = np.arange(_BAND.start, _BAND.stop, dtype=np.float32)
_HANN: FloatArray = np.hanning(_WINDOW).astype(np.float32)
_GUARD = 1e-11

_THRESHOLD_DB = 11.0  # by which speech stands out from the lowest level ...
_RANGE_DB = 12.0  # ... more or less by the range of thresholds from 0 to 1
_RELEASE_DB = 4.0  # by which it may fall lower and go on
_QUIETEST_DB = -68.0  # digital silence is no floor to stand out from
_FIRST_FLOOR_DB = -55.0
_SMOOTHING = 5  # mel frames
_REACH = 300  # mel frames of the neighbourhood
_PEAKED = 0.76  # entropy of the spectrum over its largest, below which it has peaks ...
_HOLD = 30  # mel frames that speech may last after one that has

_SHORTEST_PAUSE = 3_200  # samples; shorter gaps are part of words
_SHORTEST_SPEECH = 1_600
_PADDING = 480  # word ends are quiet


class EnergyDetector:
    """Decides each mel frame of a stream; any blocks give the same decisions.

    Implements `eclectus.core.protocols.SpeechDetector`.
    """

    hop = _HOP
    window = _WINDOW

    def __init__(self, threshold: float = 0.5, *, look_ahead: int = 0) -> None:
        """Start a stream.

        Args:
            threshold: As of `EndpointOptions`: 12 dB between 0 and 1.
            look_ahead: Mel frames by which a decision comes later and is better, at most 299. No
                quiet before the stream is assumed then.
        """
        self._needed_db = _THRESHOLD_DB + _RANGE_DB * (threshold - 0.5)
        self._look_ahead = look_ahead
        self._tail: FloatArray = np.zeros(0, np.float32)
        # The lowest levels of the neighbourhood with their places, both rising.
        self._floor: deque[tuple[int, float]] = deque()
        if not look_ahead:
            self._floor.append((0, _FIRST_FLOOR_DB))
        self._recent: deque[float] = deque(maxlen=_SMOOTHING)
        self._waiting: deque[tuple[float, bool]] = deque()
        self._index = 0
        self._speaking = False
        self._since_peaks = _HOLD

    def push(self, samples: FloatArray) -> list[bool]:
        """Add samples (n,), mono float32 at 16 kHz.

        Returns:
            The next decisions. Decision i is of samples [160 i, 160 i + 320).
        """
        self._tail = np.concatenate([self._tail, samples])
        count = max(0, (len(self._tail) - _WINDOW) // _HOP + 1)
        decisions: list[bool] = []
        for first in range(0, count, _BLOCK):
            stop = min(count, first + _BLOCK)
            levels, peaked = _measure(self._tail[first * _HOP : (stop - 1) * _HOP + _WINDOW])
            for frame in zip(levels.tolist(), peaked.tolist(), strict=True):
                self._listen(frame[0])
                self._waiting.append(frame)
                if len(self._waiting) > self._look_ahead:
                    decisions.append(self._decide())
        self._tail = self._tail[count * _HOP :].copy()
        return decisions

    def finish(self) -> list[bool]:
        """End the stream; returns the decisions that waited for more."""
        return [self._decide() for _ in range(len(self._waiting))]

    def _listen(self, level: float) -> None:
        """Note a level; what is higher than it and older is no floor any more."""
        self._index += 1
        self._recent.append(level)
        smoothed = sum(self._recent) / len(self._recent)
        while self._floor and self._floor[-1][1] >= smoothed:
            self._floor.pop()
        self._floor.append((self._index, smoothed))
        if self._floor[0][0] < self._index - _REACH:
            self._floor.popleft()

    def _decide(self) -> bool:
        level, peaked = self._waiting.popleft()
        needed = self._needed_db - (_RELEASE_DB if self._speaking else 0.0)
        loud = level > max(self._floor[0][1], _QUIETEST_DB) + needed
        self._since_peaks = 0 if peaked else self._since_peaks + 1
        self._speaking = loud and (self._since_peaks <= _HOLD or self._look_ahead > 0)
        return self._speaking


def speech_spans(samples: FloatArray) -> list[Span]:
    """Find speech in a whole signal.

    Args:
        samples: (N,) mono float32 at 16 kHz.

    Returns:
        Spans in order, with pauses of some 0.2 s and more between them.
    """
    detector = EnergyDetector(look_ahead=_REACH // 2)
    decisions = np.asarray([False, *detector.push(samples), *detector.finish(), False])
    places = np.flatnonzero(decisions[1:] != decisions[:-1]) * _HOP
    runs = [Span(int(a), int(b) + _WINDOW - _HOP) for a, b in places.reshape(-1, 2)]
    spans = merge_spans(
        runs, min_gap=_SHORTEST_PAUSE, min_length=_SHORTEST_SPEECH, padding=_PADDING
    )
    return [Span(span.start, min(span.stop, len(samples))) for span in spans]


def _measure(samples: FloatArray) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Return the level in dB, and whether the spectrum has peaks, of each mel frame (n,)."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    spectrum = np.fft.rfft(frames * _HANN, _FFT_SIZE)[:, _BAND]
    band = (np.square(spectrum.real) + np.square(spectrum.imag)) * (8 / (_FFT_SIZE * _WINDOW))
    levels = 10 * np.log10(band.sum(axis=1) + _GUARD)
    flat = band * _FLATTENING + _GUARD
    power = flat.sum(axis=1)
    # H = -sum p log p with p = flat / power, without a division per bin.
    entropy = np.log(power) - (flat * np.log(flat)).sum(axis=1) / power
    return levels, entropy < _PEAKED * np.log(flat.shape[1])
