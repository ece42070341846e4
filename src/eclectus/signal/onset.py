"""Whether somebody speaks right now, from energy and spectrum alone and from the past alone.

The live twin of `vad`: that one looks ahead to judge, this one decides each mel frame as it comes.
The noise's level is the lowest smoothed level of the last seconds (minimum statistics, Martin
2001); a stream is taken to begin in quiet, so that it may begin in the middle of a word.
What begins must be voiced, vary, and not go on as a tone does: noise, hum and music that set in are
no speech. The tenth of a second until that is known, and the unvoiced sounds before the first
voiced one, are a matter of the pre-roll.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from eclectus.core.errors import OptionError
from eclectus.core.types import FloatArray
from eclectus.signal.vad import (
    HOP,
    QUIETEST_DB,
    WINDOW,
    Floor,
    Spectra,
    are_peaked,
    frames_of,
    levels_of,
    spectra,
)
from eclectus.signal.voicing import SPAN, Resemblance, resemblance

_SMOOTHING = 5  # mel frames
_VARIED = 10  # mel frames ...
_VARIED_DB = 1.0  # ... over which speech varies by more than this, and steady hum does not
# Noise is as periodic for one frame in ten thousand, and never was at two looks on end.
_PERIODIC = 0.45
_VOICED = 2  # looks
_EVERY = 2  # mel frames from one look at what is loud to the next; each costs as much as ten frames
# A look speaks for a voice as clearly as it is unlike its past, in its waveform and in its
# colour, at most by one. Whatever begins is unlike its past, for the 80 ms until there is enough of
# it; a tone is no more from then.
_ALIKE = 0.55
_CLEARLY = 0.25
_CHANGE_DB = 2.5
_CLEARLY_DB = 1.0
_EVIDENCE = 5.0
_GAP = 8  # mel frames of quiet after which evidence is gathered anew
# Who looks for starts wants to see more than a click, and short words are over when they are known.
_BEGUN = 8  # mel frames that speech which begins lasts at least
# Speech that goes on is looked at now and then: if the looks find no voice it must begin anew.
_LOOK_EVERY = 10  # mel frames
_LOOKS = 12
_TRUST = 500  # mel frames after a look that found one
_GOING_ON = 80  # mel frames after speech in which it goes on, voiced or not
_BIAS_DB = 2.0
_PEAKED_BONUS_DB = 2.0
_FIRST_FLOOR_DB = -55.0
_RANGE_DB = 12.0
_PAST = SPAN - WINDOW
_NOTHING: FloatArray = np.zeros(0, np.float32)


@dataclass(slots=True)
class _Evidence:
    """What speaks for a voice in what is loud now."""

    voiced: int = 0
    has_voice: bool = False
    unlike: float = 0.0
    quiet: int = 0

    def add(self, found: Resemblance, varies: bool) -> bool:
        """Count a look at what is loud in; returns whether it is enough."""
        self.voiced = self.voiced + 1 if found.period >= _PERIODIC else 0
        wave = (_ALIKE - found.past) / _CLEARLY
        colour = (found.change_db - _CHANGE_DB) / _CLEARLY_DB
        clarity = max(-1.0, min(wave, colour, 1.0))
        self.unlike = min(_EVIDENCE, max(0.0, self.unlike + clarity))
        is_voice = self.voiced >= _VOICED and varies
        self.has_voice = self.unlike > 0 and (self.has_voice or is_voice)
        return self.has_voice and self.unlike >= _EVIDENCE

    def rest(self) -> None:
        """Count a quiet mel frame in: after some of them all is forgotten."""
        self.quiet += 1
        if self.quiet > _GAP:
            self.voiced, self.has_voice, self.unlike = 0, False, 0.0


def _is_voice(found: Resemblance) -> bool:
    """Tell whether a mel frame is voiced, and no tone."""
    unlike = found.past < _ALIKE and found.change_db > _CHANGE_DB
    return unlike and found.period >= _PERIODIC


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


class Measured(NamedTuple):
    """What is measured of every mel frame.

    Attributes:
        spectrum: (n, 124) in the band of voices.
        levels: (n,) in dB.
    """

    spectrum: Spectra
    levels: list[float]


class _Block:
    """Mel frames that came together, and what is measured of them: all at once, or when asked.

    Attributes:
        levels: In dB, after up to ten of earlier mel frames.
        smoothed: The levels of the mel frames, each with those before it.
    """

    __slots__ = ("_earlier", "_peaked", "_samples", "_spectrum", "levels", "smoothed")

    def __init__(self, samples: FloatArray, earlier: list[float], measured: Measured) -> None:
        """Take mel frames up.

        Args:
            samples: (SPAN + n HOP,) what the first needs, and on.
            earlier: Levels of the mel frames before, at most ten.
            measured: The mel frames.
        """
        self._samples = samples
        self._spectrum = measured.spectrum
        self._peaked: list[bool] | None = None
        self._earlier = len(earlier)
        self.levels = earlier + measured.levels
        ends = range(self._earlier + 1, len(self.levels) + 1)
        lately = [self.levels[max(0, end - _SMOOTHING) : end] for end in ends]
        self.smoothed = [sum(levels) / len(levels) for levels in lately]

    def level(self, place: int) -> float:
        """Return the level in dB of a mel frame."""
        return self.levels[self._earlier + place]

    def varies(self, place: int) -> bool:
        """Tell whether the level varied up to a mel frame."""
        end = self._earlier + place + 1
        recent = self.levels[max(0, end - _VARIED) : end]
        return max(recent) - min(recent) > _VARIED_DB

    def has_peaks(self, place: int) -> bool:
        """Tell whether the spectrum of a mel frame has peaks."""
        if self._peaked is None:
            self._peaked = are_peaked(self._spectrum).tolist()
        return self._peaked[place]

    def look(self, place: int) -> Resemblance:
        """Compare the sound at a mel frame with what was before."""
        return resemblance(self._samples[place * HOP : place * HOP + SPAN])


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
        # What comes before the stream is silence.
        self._tail: FloatArray = np.zeros(_PAST, np.float32)
        self._floor = Floor()
        self._floor.add(0, _FIRST_FLOOR_DB - _BIAS_DB)
        self._levels: list[float] = []
        self._index = 0
        self._evidence = _Evidence()
        self._begun: int | None = None
        self._looks_in_vain = 0
        self._next_look = 0
        self._last_speech: int | None = None
        self._speaking = False

    def push(self, samples: FloatArray) -> list[bool]:
        """Add samples (n,), mono float32 at 16 kHz.

        Returns:
            For each mel frame that became complete, whether it is speech. Frame i is of samples
            [160 i, 160 i + 320).
        """
        return self.decide(measure_together([self.gather(samples)])[0])

    def gather(self, samples: FloatArray) -> FloatArray:
        """Add samples as `push` does, but leave it to `measure_together` to measure them.

        `decide` must follow before the next samples.

        Returns:
            (n, 320) the mel frames that became complete.
        """
        self._tail = np.concatenate([self._tail, samples])
        count = max(0, (len(self._tail) - SPAN) // HOP + 1)
        return frames_of(self._tail[_PAST : SPAN + (count - 1) * HOP] if count else _NOTHING)

    def decide(self, measured: Measured) -> list[bool]:
        """Decide the mel frames from `gather`.

        Returns:
            For each whether it is speech.
        """
        block = _Block(self._tail, self._levels, measured)
        count = len(measured.levels)
        decisions = [self._decide(block, place) for place in range(count)]
        self._levels = block.levels[-_VARIED:]
        self._tail = self._tail[count * HOP :].copy()
        return decisions

    def _decide(self, block: _Block, place: int) -> bool:
        """Decide a mel frame of a block."""
        self._index += 1
        loud = self._is_loud(block, place)
        if not self._goes_on():
            self._speaking = loud and self._begins(block, place)
        elif self._begun is not None and self._index - self._begun < _BEGUN:
            self._speaking = True
        else:
            self._speaking = loud and self._is_still_voice(block, place)
        if self._speaking:
            self._last_speech = self._index
        elif not loud:
            self._evidence.rest()
        return self._speaking

    def _is_loud(self, block: _Block, place: int) -> bool:
        """Tell whether a mel frame stands out from the noise."""
        self._floor.add(self._index, block.smoothed[place])
        lowest = self._floor.lowest(self._index - self._memory)
        needed = max(lowest + _BIAS_DB, QUIETEST_DB) + self._options.threshold_db
        if self._speaking:
            needed -= self._options.release_db
        above = block.level(place) - needed
        return above > 0 or (above > -_PEAKED_BONUS_DB and block.has_peaks(place))

    def _goes_on(self) -> bool:
        """Whether somebody spoke not long ago: what is loud is speech then, voiced or not."""
        return self._last_speech is not None and self._index - self._last_speech <= _GOING_ON

    def _begins(self, block: _Block, place: int) -> bool:
        self._evidence.quiet = 0
        if self._index % _EVERY:
            return False
        if not self._evidence.add(block.look(place), block.varies(place)):
            return False
        self._begun = self._index
        self._evidence = _Evidence()
        self._looks_in_vain, self._next_look = 0, self._index + _LOOK_EVERY
        return True

    def _is_still_voice(self, block: _Block, place: int) -> bool:
        """Look at a loud frame now and then; music that began like speech is found out."""
        if self._index < self._next_look:
            return True
        if _is_voice(block.look(place)):
            self._looks_in_vain = 0
            self._next_look = self._index + _TRUST
            return True
        self._looks_in_vain += 1
        self._next_look = self._index + _LOOK_EVERY
        if self._looks_in_vain < _LOOKS:
            return True
        self._last_speech = None
        return False


def measure_together(frames: Sequence[FloatArray]) -> list[Measured]:
    """Measure the mel frames of several streams: less work than one by one, the same numbers.

    Args:
        frames: (n, 320) of each, from `OnsetDetector.gather`.

    Returns:
        What `OnsetDetector.decide` takes, of each.
    """
    if not frames:
        return []
    spectrum = spectra(np.concatenate(frames))
    levels = levels_of(spectrum).tolist()
    stops = itertools.accumulate(len(some) for some in frames)
    places = [slice(stop - len(some), stop) for stop, some in zip(stops, frames, strict=True)]
    return [Measured(spectrum[place], levels[place]) for place in places]
