"""Whether somebody speaks right now, from energy and spectrum alone and from the past alone.

The live twin of `vad`: that one looks ahead to judge, this one decides each mel frame as it comes.
The noise's level is the lowest smoothed level of the last seconds (minimum statistics, Martin
2001); a stream is taken to begin in quiet, so that it may begin in the middle of a word.
What begins must be voiced, and vary: noise and hum that set in are no speech. The unvoiced sounds
before the first voiced one are a matter of the pre-roll.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclectus.core.errors import OptionError
from eclectus.core.types import FloatArray
from eclectus.signal.vad import HOP, QUIETEST_DB, WINDOW, Floor, frames_of, measure
from eclectus.signal.voicing import periodicity

_SMOOTHING = 5  # mel frames
_VARIED = 10  # mel frames ...
_VARIED_DB = 1.0  # ... over which speech varies by more than this, and steady hum does not
# Noise is as periodic for one frame in a hundred thousand, and never was for three on end.
_PERIODIC = 0.6
_VOICED = 3  # mel frames
_GOING_ON = 80  # mel frames after speech in which it goes on, voiced or not
_BIAS_DB = 2.0
_PEAKED_BONUS_DB = 2.0
_FIRST_FLOOR_DB = -55.0
_RANGE_DB = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnsetOptions:
    """How eagerly speech is heard.

    Attributes:
        threshold_db: By how much speech stands out from the noise to begin.
        release_db: How much lower it may fall and still go on.
        memory_s: Over how much of the past the noise's level is sought.
    """

    threshold_db: float = 9.0
    release_db: float = 4.0
    memory_s: float = 3.0

    @classmethod
    def of(cls, threshold: float) -> OnsetOptions:
        """Return the options of a `threshold` as of `EndpointOptions`; 0.5 gives the defaults."""
        usual = cls()
        needed = usual.threshold_db + _RANGE_DB * (threshold - 0.5)
        return cls(threshold_db=needed, release_db=min(usual.release_db, needed))

    def __post_init__(self) -> None:
        if self.memory_s < 0.1 or not 0 <= self.release_db <= self.threshold_db:
            raise OptionError(
                "hearing speech needs a memory of at least 0.1 s and a release between 0 and "
                "the threshold"
            )


class OnsetDetector:
    """Decides each mel frame (10 ms) of a stream; any blocks give the same decisions.

    Implements `eclectus.core.protocols.SpeechDetector`.
    """

    hop = HOP
    window = WINDOW

    def __init__(self, options: OnsetOptions | None = None) -> None:
        """Start a stream.

        Args:
            options: How eager; None for the defaults.
        """
        self._options = options or OnsetOptions()
        self._memory = round(self._options.memory_s * 100)
        self._tail: FloatArray = np.zeros(0, np.float32)
        self._floor = Floor()
        self._floor.add(0, _FIRST_FLOOR_DB - _BIAS_DB)
        self._recent: list[float] = []
        self._index = 0
        self._voiced = 0
        self._last_speech: int | None = None
        self._speaking = False

    def push(self, samples: FloatArray) -> list[bool]:
        """Add samples (n,), mono float32 at 16 kHz.

        Returns:
            For each mel frame that became complete, whether it is speech. Frame i is of samples
            [160 i, 160 i + 320).
        """
        self._tail = np.concatenate([self._tail, samples])
        count = max(0, (len(self._tail) - WINDOW) // HOP + 1)
        if not count:
            return []
        levels, peaked = measure(self._tail, 0, count)
        frames = frames_of(self._tail)
        self._tail = self._tail[count * HOP :].copy()
        return [
            self._decide(level, has_peaks, frame)
            for level, has_peaks, frame in zip(
                levels.tolist(), peaked.tolist(), frames, strict=True
            )
        ]

    def _decide(self, level: float, has_peaks: bool, samples: FloatArray) -> bool:
        self._index += 1
        self._recent = [*self._recent[1 - _VARIED :], level]
        smoothed = self._recent[-_SMOOTHING:]
        self._floor.add(self._index, sum(smoothed) / len(smoothed))
        floor = max(self._floor.lowest(self._index - self._memory) + _BIAS_DB, QUIETEST_DB)
        needed = self._options.threshold_db
        if self._speaking:
            needed -= self._options.release_db
        if has_peaks:
            needed -= _PEAKED_BONUS_DB
        loud = level > floor + needed
        self._speaking = loud and (self._speaking or self._may_begin(samples))
        if self._speaking:
            self._last_speech = self._index
        if not loud or self._speaking:
            self._voiced = 0
        return self._speaking

    def _may_begin(self, samples: FloatArray) -> bool:
        """Tell whether a loud frame may be speech: voiced for a moment and no hum, or going on."""
        if self._last_speech is not None and self._index - self._last_speech <= _GOING_ON:
            return True
        self._voiced = self._voiced + 1 if periodicity(samples) >= _PERIODIC else 0
        varied = max(self._recent) - min(self._recent) > _VARIED_DB
        return self._voiced >= _VOICED and varied
