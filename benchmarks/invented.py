"""Words that are invented where nobody speaks: hours of synthetic sounds through live sessions.

    python -m benchmarks.invented --hours 1 --detector energy silero

Everything is made from a seed; nothing is recorded.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

import eclectus
from eclectus.core.choices import SpeechDetection
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.streaming.events import Event, Final

RATE = 16_000
BLOCK = RATE // 2
LEVELS = (0.5, 0.05, 0.005)
PIECE_S = 300

Signal = NDArray[np.float64]
Maker = Callable[[int, np.random.Generator], Signal]


def silence(count: int, _: np.random.Generator) -> Signal:
    return np.zeros(count)


def noise(slope: float) -> Maker:
    """Noise whose power falls with frequency to this power: 0 white, 1 pink, 2 brown."""

    def make(count: int, random: np.random.Generator) -> Signal:
        hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
        shaped = np.fft.rfft(random.standard_normal(count)) * hertz ** (-slope / 2)
        return peak_at_one(np.fft.irfft(shaped, count))

    return make


def steps(count: int, random: np.random.Generator) -> Signal:
    """White noise whose level jumps by up to 40 dB every two seconds."""
    levels = 10 ** (random.uniform(-40, 0, count // (2 * RATE) + 1) / 20)
    return peak_at_one(random.standard_normal(count) * np.repeat(levels, 2 * RATE)[:count])


def hum(count: int, random: np.random.Generator) -> Signal:
    """Mains: 50 Hz and its harmonics."""
    time = np.arange(count) / RATE
    parts = [np.sin(2 * np.pi * 50 * n * time + random.uniform(0, 6)) / n for n in range(1, 10)]
    return peak_at_one(np.sum(parts, axis=0))


def clicks(count: int, random: np.random.Generator) -> Signal:
    """Two a second, 1 to 25 ms."""
    signal = np.zeros(count)
    for place in random.integers(0, count - 400, count // RATE * 2):
        length = int(random.integers(16, 400))
        decay = np.exp(-np.arange(length) / (length / 4))
        signal[place : place + length] += random.standard_normal(length) * decay
    return peak_at_one(signal)


def chords(count: int, random: np.random.Generator) -> Signal:
    """Triads of plucked tones with harmonics, one a second or two."""
    return melody(count, random, (0.8, 2.0), 1.0, ((0, 4, 7), (0, 3, 7)), 110.0)


def arpeggios(count: int, random: np.random.Generator) -> Signal:
    """Plucked tones with harmonics, three to ten a second."""
    return melody(count, random, (0.1, 0.35), 2.0, ((0,),), 220.0)


def bass(count: int, random: np.random.Generator) -> Signal:
    """Plucked tones of 55 to 150 Hz, two to four a second."""
    return melody(count, random, (0.25, 0.55), 1.0, ((0,),), 55.0)


def drums(count: int, random: np.random.Generator) -> Signal:
    """Kick, snare and hi-hat at some 240 strokes a minute."""
    signal = np.zeros(count)
    step = int(RATE * random.uniform(0.22, 0.3))
    time = np.arange(int(0.12 * RATE)) / RATE
    for stroke, place in enumerate(range(0, count - len(time), step)):
        hiss = random.standard_normal(len(time))
        sound = 0.2 * np.diff(hiss, prepend=0.0) * np.exp(-time / 0.01)
        if stroke % 4 == 0:
            fall = 50 * time + 1.8 * (1 - np.exp(-time / 0.03))
            sound += np.sin(2 * np.pi * fall) * np.exp(-time / 0.05)
        elif stroke % 4 == 2:
            sound += 0.6 * hiss * np.exp(-time / 0.03)
            sound += 0.5 * np.sin(2 * np.pi * 185 * time) * np.exp(-time / 0.04)
        signal[place : place + len(time)] += sound
    return peak_at_one(signal)


def strings(count: int, random: np.random.Generator) -> Signal:
    """One to three bowed tones with vibrato of a quarter of a semitone, one or two a second."""
    signal = np.zeros(count)
    place = 0
    while place < count:
        step = int(RATE * random.uniform(0.4, 1.6))
        root = 196.0 * 2 ** (random.integers(0, 18) / 12)
        for interval in (0, -12, -5)[: int(random.integers(1, 4))]:
            sound = bowed(root * 2 ** (interval / 12), int(1.1 * step), random)
            stop = min(count, place + len(sound))
            signal[place:stop] += sound[: stop - place]
        place += step
    return peak_at_one(signal)


def bowed(hertz: float, count: int, random: np.random.Generator) -> Signal:
    time = np.arange(count) / RATE
    swing = np.sin(2 * np.pi * 5.5 * time + random.uniform(0, 6)) * np.minimum(1, time / 0.3)
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (0.25 * swing / 12)) / RATE
    envelope = np.minimum(1, time / 0.08) * np.minimum(1, (time[-1] - time) / 0.1)
    parts = [np.sin(n * phase) / n for n in range(1, 12) if 1.05 * hertz * n < 7500]
    return np.asarray(envelope * np.sum(parts, axis=0))


def band(count: int, random: np.random.Generator) -> Signal:
    """Drums, bass, chords and arpeggios together."""
    parts = ((drums, 0.8), (bass, 0.5), (chords, 0.5), (arpeggios, 0.5))
    return peak_at_one(np.sum([share * make(count, random) for make, share in parts], axis=0))


def melody(
    count: int,
    random: np.random.Generator,
    spacing_s: tuple[float, float],
    ring: float,
    shapes: tuple[tuple[int, ...], ...],
    lowest_hz: float,
) -> Signal:
    signal = np.zeros(count)
    place = 0
    while place < count:
        step = int(RATE * random.uniform(*spacing_s))
        root = lowest_hz * 2 ** (random.integers(0, 18) / 12)
        shape = shapes[int(random.integers(len(shapes)))]
        sound = np.sum([tone(root * 2 ** (i / 12), int(step * ring)) for i in shape], axis=0)
        stop = min(count, place + len(sound))
        signal[place:stop] += sound[: stop - place]
        place += step
    return peak_at_one(signal)


def tone(hertz: float, count: int) -> Signal:
    time = np.arange(count) / RATE
    envelope = np.minimum(1, time / 0.01) * np.exp(-2 * time)
    parts = [np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 8) if hertz * n < 7500]
    return np.asarray(envelope * np.sum(parts, axis=0))


def peak_at_one(signal: Signal) -> Signal:
    return np.asarray(signal / np.abs(signal).max())


NOISES: Mapping[str, Maker] = {
    "silence": silence,
    "white": noise(0),
    "pink": noise(1),
    "brown": noise(2),
    "steps": steps,
    "hum": hum,
    "clicks": clicks,
}
MUSIC: Mapping[str, Maker] = {
    "chords": chords,
    "arpeggios": arpeggios,
    "bass": bass,
    "drums": drums,
    "band": band,
    "strings": strings,
}


def pieces(make: Maker, seconds: float, level: float, seed: int = 0) -> Iterator[FloatArray]:
    """Yield blocks of a sound, made a few minutes at a time."""
    left = round(seconds * RATE)
    random = np.random.default_rng(seed)
    while left > 0:
        count = min(left, PIECE_S * RATE)
        signal = (level * make(count, random)).astype(np.float32)
        yield from (signal[start : start + BLOCK] for start in range(0, count, BLOCK))
        left -= count


def invented(
    model: eclectus.Model, blocks: Iterator[FloatArray], detector: SpeechDetection
) -> list[str]:
    """Return the words that a session finds in a sound."""
    return invented_by(model, blocks, EndpointOptions(detector=detector))


def invented_by(
    model: eclectus.Model, blocks: Iterator[FloatArray], endpoint: EndpointOptions
) -> list[str]:
    """Return the words that a session with these endpoints finds in a sound."""
    options = StreamOptions(live=LiveOptions(emit_partial=False), endpoint=endpoint)
    session = model.stream(options)
    events: list[Event] = [event for block in blocks for event in session.push(block)]
    events += session.finish()
    return [word.text for event in events if isinstance(event, Final) for word in event.words]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=None)
    parser.add_argument("--hours", type=float, default=1.0, help="of each sound at each level")
    parser.add_argument("--detector", nargs="+", default=["energy"], choices=list(SpeechDetection))
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    print("| sound | level | detector | words an hour |\n|---|---|---|---|")
    with eclectus.load(given.model, threads=given.threads) as model:
        for name, make in {**NOISES, **MUSIC}.items():
            for level in LEVELS:
                for detector in map(SpeechDetection, given.detector):
                    blocks = pieces(make, given.hours * 3600, level)
                    rate = len(invented(model, blocks, detector)) / given.hours
                    print(f"| {name} | {level:g} | {detector} | {rate:.1f} |", flush=True)


if __name__ == "__main__":
    main()
