"""Where speech is, from energy and spectrum alone: no network, constant memory.

A mel frame counts as speech when its level in the band of voices stands out from the noise, and
it needs to stand out less where its spectrum has peaks, as voiced sounds do and noise does not.
The noise's level is the lowest smoothed level of the neighbourhood (minimum statistics, Martin
2001), which looks ahead too, so that a recording may begin in the middle of a word.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from eclectus.core.errors import OptionError, StreamClosedError
from eclectus.core.types import FloatArray
from eclectus.signal.spans import Span, merge_spans

_SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 320
_FFT_SIZE = 512
_BAND = slice(5, 129)  # 156 to 4,000 Hz
_BINS = _BAND.stop - _BAND.start

# Of double precision before NumPy 2.
Spectra: TypeAlias = "NDArray[np.complexfloating]"
_BLOCK = 256  # frames; their spectra stay in the cache
_HANN: FloatArray = np.hanning(WINDOW).astype(np.float32)
_SCALE = np.float32(8.0 / (_FFT_SIZE * WINDOW))
_POWER_GUARD = np.float32(1e-11)
_LEAST_POWER = _BINS * _POWER_GUARD
QUIETEST_DB = -65.0  # digital silence and the noise of converters are no floor to stand out from
_SMOOTHING = 5  # mel frames
_MIN_BIAS_DB = 2.0  # by which the minimum of smoothed noise lies under its mean
_PEAKED_BONUS_DB = 3.0
_PEAKED = 0.75  # entropy of the spectrum over its largest, below which it has peaks


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorOptions:
    """How eagerly speech is found.

    Attributes:
        threshold_db: By how much speech stands out from the noise to begin.
        release_db: How much lower it may fall and still go on.
        hang_over_s: How long speech goes on after it fell below.
        min_speech_s: Shorter bursts are no speech.
        min_silence_s: Shorter gaps are no pause.
        padding_s: By how much spans grow at both sides; word ends are quiet.
        memory_s: Over how long the noise's level is sought, to both sides.
    """

    threshold_db: float = 8.0
    release_db: float = 4.0
    hang_over_s: float = 0.1
    min_speech_s: float = 0.1
    min_silence_s: float = 0.2
    padding_s: float = 0.03
    memory_s: float = 1.5

    def __post_init__(self) -> None:
        lowest = min(self.hang_over_s, self.min_speech_s, self.min_silence_s, self.padding_s)
        if lowest < 0 or self.memory_s < 0.1 or not 0 <= self.release_db <= self.threshold_db:
            raise OptionError(
                "a detector needs times that are not negative, a memory of at least 0.1 s "
                "and a release between 0 and the threshold"
            )
        if 2 * self.padding_s > self.min_silence_s:
            raise OptionError("padding at both sides would fill the shortest silence")


@dataclass(slots=True)
class Floor:
    """The lowest value of a sliding stretch: each value is appended and dropped once."""

    values: deque[tuple[int, float]] = field(default_factory=deque)

    def add(self, index: int, value: float) -> None:
        """Append the value of an index higher than all before."""
        while self.values and self.values[-1][1] >= value:
            self.values.pop()
        self.values.append((index, value))

    def lowest(self, oldest: int) -> float:
        """Return the lowest value since an index; at least one must be as late."""
        while self.values[0][0] < oldest:
            self.values.popleft()
        return self.values[0][1]


class EnergyDetector:
    """Finds speech in samples that arrive in blocks; any blocks give the same spans.

    Spans come out when they are certain: some `memory_s + min_silence_s` after their end.
    """

    def __init__(self, options: DetectorOptions | None = None) -> None:
        """Start a signal.

        Args:
            options: How eager; None for the defaults.
        """
        self.options = options or DetectorOptions()
        self._tail: FloatArray = np.zeros(0, np.float32)
        self._received = 0
        self._frames = _FrameDecisions(self.options)
        self._open: Span | None = None
        self._closed = False

    def push(self, samples: FloatArray) -> list[Span]:
        """Add samples.

        Args:
            samples: (n,) mono float32 at 16 kHz; n may be 0.

        Returns:
            Spans of speech that are certain now, in samples from the start of the signal.

        Raises:
            StreamClosedError: `finish` was called before.
        """
        self._require_open()
        self._received += len(samples)
        self._tail = np.concatenate([self._tail, samples])
        count = max(0, (len(self._tail) - WINDOW) // HOP + 1)
        runs: list[Span] = []
        for first in range(0, count, _BLOCK):
            levels, peaked = measure(self._tail, first, min(count, first + _BLOCK))
            runs.extend(self._frames.add(levels, peaked))
        self._tail = self._tail[count * HOP :].copy()
        return self._settle(runs, self._frames.certain)

    def finish(self) -> list[Span]:
        """End the signal.

        Returns:
            The last spans; none goes past the last sample.

        Raises:
            StreamClosedError: It was called before.
        """
        self._require_open()
        self._closed = True
        return self._settle(self._frames.finish(), None)

    def _settle(self, runs: list[Span], certain: int | None) -> list[Span]:
        """Turn runs of speech frames into spans of samples, as far as they can't change.

        Args:
            runs: The new runs.
            certain: No later run starts before this frame; None if there will be none.
        """
        options = self.options
        padding = _samples(options.padding_s)
        held = [self._open] if self._open is not None else []
        samples = [Span(run.start * HOP, run.stop * HOP + WINDOW - HOP) for run in runs]
        joined = list(merge_spans([*held, *samples], min_gap=_samples(options.min_silence_s)))
        self._open = None
        horizon = None if certain is None else certain * HOP - _samples(options.min_silence_s)
        if joined and horizon is not None and joined[-1].stop > horizon:
            self._open = joined.pop()
        kept = (span for span in joined if len(span) >= _samples(options.min_speech_s))
        return [_grown(span, padding, self._received) for span in kept]

    def _require_open(self) -> None:
        if self._closed:
            raise StreamClosedError("the detector's signal has ended; start a new one")


def speech_spans(samples: FloatArray, options: DetectorOptions | None = None) -> list[Span]:
    """Find speech in a whole signal.

    Args:
        samples: (N,) mono float32 at 16 kHz.
        options: How eager; None for the defaults.

    Returns:
        Spans in order, with pauses of at least `min_silence_s` less the padding between them.
    """
    detector = EnergyDetector(options)
    return [*detector.push(samples), *detector.finish()]


class _FrameDecisions:
    """Decides frame by frame, with the noise's level of a stretch to both sides."""

    def __init__(self, options: DetectorOptions) -> None:
        self._options = options
        self._reach = round(options.memory_s * _SAMPLE_RATE / HOP)
        self._hang_over = round(options.hang_over_s * _SAMPLE_RATE / HOP)
        self._floor = Floor()
        self._waiting: deque[tuple[float, bool]] = deque()
        self._recent: deque[float] = deque(maxlen=_SMOOTHING)
        self._seen = 0
        self._run_start: int | None = None
        self._last_speech = 0
        self._decided = 0

    @property
    def certain(self) -> int:
        """No run that is still to come starts before this frame."""
        return self._decided if self._run_start is None else self._run_start

    def add(self, levels: NDArray[np.floating], peaked: NDArray[np.bool_]) -> list[Span]:
        """Take measured frames; return the runs of speech that ended."""
        runs: list[Span] = []
        for level, has_peaks in zip(levels.tolist(), peaked.tolist(), strict=True):
            self._recent.append(level)
            if len(self._recent) == _SMOOTHING:
                self._floor.add(self._seen, sum(self._recent) / _SMOOTHING)
            self._seen += 1
            self._waiting.append((level, has_peaks))
            if len(self._waiting) > self._reach:
                runs.extend(self._decide())
        return runs

    def finish(self) -> list[Span]:
        """Decide the frames that waited for more; return the last runs."""
        runs: list[Span] = []
        if self._recent and not self._floor.values:
            self._floor.add(self._seen, sum(self._recent) / len(self._recent))
        while self._waiting:
            runs.extend(self._decide())
        if self._run_start is not None:
            runs.append(Span(self._run_start, self._last_speech + 1))
        return runs

    def _decide(self) -> Iterator[Span]:
        level, has_peaks = self._waiting.popleft()
        index = self._decided
        self._decided += 1
        floor = max(self._floor.lowest(index - self._reach) + _MIN_BIAS_DB, QUIETEST_DB)
        needed = self._options.threshold_db
        if self._run_start is not None:
            needed -= self._options.release_db
        if has_peaks:
            needed -= min(_PEAKED_BONUS_DB, needed / 2)
        if level > floor + needed:
            self._run_start = index if self._run_start is None else self._run_start
            self._last_speech = index
        elif self._run_start is not None and index - self._last_speech > self._hang_over:
            yield Span(self._run_start, self._last_speech + 1)
            self._run_start = None


def measure(
    samples: FloatArray, first: int, stop: int
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Return the level in dB and whether the spectrum has peaks, of frames [first, stop)."""
    spectrum = spectra(frames_of(samples[first * HOP : (stop - 1) * HOP + WINDOW]))
    return levels_of(spectrum), are_peaked(spectrum)


def spectra(frames: FloatArray) -> Spectra:
    """Return the spectra (n, 124) of mel frames (n, 320), in the band of voices."""
    return np.fft.rfft(frames * _HANN, _FFT_SIZE)[:, _BAND]


def levels_of(spectrum: Spectra) -> NDArray[np.floating]:
    """Return the levels (n,) in dB of spectra (n, 124)."""
    parts = spectrum.view(spectrum.real.dtype)
    power = np.square(parts).sum(axis=1) * _SCALE
    levels: NDArray[np.floating] = 10.0 * np.log10(power + _LEAST_POWER)
    return levels


def are_peaked(spectrum: Spectra) -> NDArray[np.bool_]:
    """Return whether spectra (n, 124) have peaks."""
    band = (np.square(spectrum.real) + np.square(spectrum.imag)) * _SCALE + _POWER_GUARD
    power = band.sum(axis=1)
    # H = -sum p log p with p = band / power, without a division per bin.
    entropy = np.log(power) - (band * np.log(band)).sum(axis=1) / power
    peaked: NDArray[np.bool_] = entropy < _PEAKED * np.log(np.float32(_BINS))
    return peaked


def frames_of(samples: FloatArray) -> FloatArray:
    """Return the mel frames (n, 320) of samples, a view of them.

    `sliding_window_view` does the same, in more time than live blocks leave for it.
    """
    samples = np.ascontiguousarray(samples)
    count, step = max(0, (len(samples) - WINDOW) // HOP + 1), samples.itemsize
    return np.ndarray((count, WINDOW), samples.dtype, samples, 0, (HOP * step, step))


def _samples(seconds: float) -> int:
    return round(seconds * _SAMPLE_RATE)


def _grown(span: Span, padding: int, end: int) -> Span:
    return Span(max(0, span.start - padding), min(end, span.stop + padding))
