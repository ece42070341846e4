"""What a detector of speech misses, invents, delays and costs, in one table.

    python -m benchmarks.detectors --detectors energy silero silero:0.3
    python -m benchmarks.detectors --audio FOLDER --tables speech words invented

A number after the colon is the threshold. Speech is synthesised by espeak-ng and flite unless a
folder is given; every other sound is made from a seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jiwer
import numpy as np

import eclectus
from benchmarks.invented import MUSIC, NOISES, invented_by, noise, pieces
from benchmarks.voices import SENTENCES, WORDS, Clip, recorded, synthesised
from benchmarks.words import normalize
from eclectus.api import new_detector
from eclectus.core.choices import SpeechDetection
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.streaming.endpoint import Endpointer, Mark
from eclectus.streaming.events import Final
from eclectus.streaming.listening import listen
from eclectus.streaming.steps import Listening

RATE = 16_000
LEAD_S, TRAIL_S = 3.0, 2.0
LEVELS = (0.5, 0.05, 0.005)
BLOCK = RATE // 10
COUNTS = (1, 10, 50)
TABLES = ("speech", "sounds", "cost", "words", "invented")

Background = Callable[[FloatArray, np.random.Generator], FloatArray]


def clean(clip: FloatArray, _: np.random.Generator) -> FloatArray:
    """Digital silence around speech."""
    return laid(clip)


def soft(clip: FloatArray, random: np.random.Generator) -> FloatArray:
    """26 dB softer, in the faint noise of a converter (-80 dB)."""
    signal = 0.05 * laid(clip)
    return signal + (1e-4 * random.standard_normal(len(signal))).astype(np.float32)


def noisy(slope: float, snr_db: float) -> Background:
    """Speech in noise this much below it."""

    def make(clip: FloatArray, random: np.random.Generator) -> FloatArray:
        signal = laid(clip)
        sound = noise(slope)(len(signal), random).astype(np.float32)
        power = np.mean(np.square(clip)) / np.mean(np.square(sound))
        return signal + sound * np.float32(np.sqrt(power) * 10 ** (-snr_db / 20))

    return make


def laid(clip: FloatArray) -> FloatArray:
    """Put silence around speech."""
    return np.pad(clip, (round(LEAD_S * RATE), round(TRAIL_S * RATE)))


BACKGROUNDS: Mapping[str, Background] = {
    "clean": clean,
    "soft": soft,
    "white 12 dB": noisy(0, 12),
    "pink 12 dB": noisy(1, 12),
    "pink 5 dB": noisy(1, 5),
}


@dataclass
class Found:
    """What became of clips; seconds."""

    clips: int = 0
    missed: int = 0
    cut: int = 0
    parts: int = 0
    early: int = 0
    start: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)

    def add(self, marks: Sequence[Mark], seconds: float, options: EndpointOptions) -> None:
        """Count the marks of a stream with one clip of so many seconds."""
        first, last = LEAD_S, LEAD_S + seconds
        starts = [m for m in marks if m.reason is None and m.known / RATE > first]
        ends = [m for m in marks if m.reason is not None and m.known / RATE > first]
        opened_before = sum(m.reason is None for m in marks) - len(starts)
        opened_before -= sum(m.reason is not None for m in marks) - len(ends)
        self.clips += 1
        self.early += opened_before
        begun = [m for m in starts if m.known / RATE < last + 0.3]
        if not begun and not opened_before:
            self.missed += 1
            return
        self.parts += len(begun) + opened_before - 1
        if begun:
            self.start.append(begun[0].known / RATE - first)
            self.cut += begun[0].at / RATE - options.pre_roll_s > first + 0.05
        if ends:
            self.end.append(ends[-1].known / RATE - last - options.silence_s)

    def row(self) -> str:
        """Return it as cells of a table."""
        return (
            f"{self.missed} of {self.clips} | {self.cut} | {self.parts} | {self.early} | "
            f"{spread(self.start)} | {spread(self.end)}"
        )


def spread(values: Sequence[float]) -> str:
    """Return the median, the 5th and the 95th percentile."""
    if not values:
        return "-"
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def endpoints(name: str) -> EndpointOptions:
    """Return the options of a detector, `name` or `name:threshold`."""
    kind, _, threshold = name.partition(":")
    return EndpointOptions(
        detector=SpeechDetection(kind), threshold=float(threshold) if threshold else 0.5
    )


def marks(options: EndpointOptions, blocks: Iterator[FloatArray]) -> Iterator[Mark]:
    """Yield where utterances begin and end."""
    endpointer = Endpointer(options, new_detector(options)())
    for block in blocks:
        listening = endpointer.listening(block)
        listening.hear()
        endpointer.take(listening.decisions)
        yield from iter(endpointer.next_mark, None)


def speech_table(detectors: Sequence[str], kinds: Mapping[str, Sequence[Clip]]) -> None:
    """Print what becomes of speech."""
    print("\n| speech | in | detector | missed | start cut | parted | early | start s | end s |")
    print("|---|---|---|---|---|---|---|---|---|")
    for kind, clips in kinds.items():
        for place, background in BACKGROUNDS.items():
            for name in detectors:
                options, found = endpoints(name), Found()
                for number, clip in enumerate(clips):
                    samples = background(clip.samples, np.random.default_rng(number))
                    found.add([*marks(options, iter([samples]))], len(clip.samples) / RATE, options)
                print(f"| {kind} | {place} | {name} | {found.row()} |", flush=True)


def sound_table(detectors: Sequence[str], hours: float) -> None:
    """Print the starts an hour where nobody speaks, and the share of time in utterances."""
    print("\n| sound | " + " | ".join(f"{name}: starts an hour, open" for name in detectors) + " |")
    print("|---|" + "---|" * len(detectors))
    for sound, make in {**NOISES, **MUSIC}.items():
        cells = []
        for name in detectors:
            starts, taken = 0, 0
            for level in LEVELS:
                blocks = pieces(make, hours * 3600, level)
                found = [*marks(endpoints(name), blocks)]
                starts += sum(mark.reason is None for mark in found)
                taken += opened(found, round(hours * 3600 * RATE))
            hour = hours * len(LEVELS)
            cells.append(f"{starts / hour:.0f}, {taken / (hour * 3600 * RATE):.1%}")
        print(f"| {sound} | " + " | ".join(cells) + " |", flush=True)


def opened(found: Sequence[Mark], total: int) -> int:
    """Return the samples within utterances."""
    signs = [(mark.at, 1 if mark.reason is not None else -1) for mark in found]
    whole = sum(place * sign for place, sign in signs)
    return whole + (total if sum(sign for _, sign in signs) < 0 else 0)


def cost_table(detectors: Sequence[str], sound: FloatArray, repeats: int) -> None:
    """Print the milliseconds of a core a second and stream, detectors in turns."""
    print("\n| detector | " + " | ".join(f"{count} streams" for count in COUNTS) + " |")
    print("|---|" + "---|" * len(COUNTS))
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(repeats):
        for count in COUNTS:
            for name in detectors:
                times.setdefault((name, count), []).append(cost(name, count, sound))
    for name in detectors:
        cells = [f"{np.median(times[name, count]):.2f}" for count in COUNTS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def cost(name: str, count: int, sound: FloatArray) -> float:
    """Return the milliseconds of CPU time a second and stream of streams that listen together."""
    new = new_detector(endpoints(name))
    streams = [new() for _ in range(count)]
    heard = 0
    begun = time.process_time()
    for start in range(0, len(sound) - BLOCK, BLOCK):
        block = sound[start : start + BLOCK]
        errors = listen([Listening(detector, block) for detector in streams])
        heard += BLOCK * count - sum(error is not None for error in errors)
    return (time.process_time() - begun) / (heard / RATE) * 1000


def words_table(model: eclectus.Model, detectors: Sequence[str], clips: Sequence[Clip]) -> None:
    """Print the word errors of live streams."""
    print("\n| in | detector | word errors | inserted | deleted | of words |")
    print("|---|---|---|---|---|---|")
    truth = [normalize(clip.text) for clip in clips]
    for place in ("clean", "white 12 dB", "pink 12 dB"):
        for name in detectors:
            heard = [
                said(model, BACKGROUNDS[place](clip.samples, np.random.default_rng(number)), name)
                for number, clip in enumerate(clips)
            ]
            rate = jiwer.process_words(truth, heard)
            total = rate.hits + rate.substitutions + rate.deletions
            cells = f"{rate.wer:.1%} | {rate.insertions} | {rate.deletions} | {total}"
            print(f"| {place} | {name} | {cells} |", flush=True)


def invented_table(model: eclectus.Model, detectors: Sequence[str], hours: float) -> None:
    """Print the words an hour that are invented where nobody speaks."""
    print("\n| sound | " + " | ".join(f"{name}: words an hour" for name in detectors) + " |")
    print("|---|" + "---|" * len(detectors))
    for sound, make in {**NOISES, **MUSIC}.items():
        cells = []
        for name in detectors:
            blocks = (block for level in LEVELS for block in pieces(make, hours * 3600, level))
            words = invented_by(model, blocks, endpoints(name))
            cells.append(f"{len(words) / (hours * len(LEVELS)):.0f}")
        print(f"| {sound} | " + " | ".join(cells) + " |", flush=True)


def said(model: eclectus.Model, samples: FloatArray, name: str) -> str:
    """Return the words of a live stream."""
    options = StreamOptions(live=LiveOptions(emit_partial=False), endpoint=endpoints(name))
    session = model.stream(options)
    events = [*session.push(samples), *session.finish()]
    finals = [event for event in events if isinstance(event, Final)]
    return normalize(" ".join(word.text for event in finals for word in event.words))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--detectors", nargs="+", default=["energy", "silero"])
    parser.add_argument("--audio", type=Path, help="folder of speech; else it is synthesised")
    parser.add_argument("--every", type=int, default=1, help="take each N-th clip only")
    parser.add_argument("--hours", type=float, default=0.1, help="of each sound at each level")
    parser.add_argument("--repeats", type=int, default=5, help="of what is timed")
    parser.add_argument("--model", help="name or folder; else the built-in model")
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=["speech", "sounds", "cost"])
    given = parser.parse_args()
    if given.audio:
        kinds = {"recordings": [*recorded(given.audio, given.every)]}
    else:
        kinds = {
            "sentences": [*synthesised(SENTENCES)][:: given.every],
            "words alone": [*synthesised(WORDS)][:: given.every],
        }
    first = next(iter(kinds.values()))
    if "speech" in given.tables:
        speech_table(given.detectors, kinds)
    if "sounds" in given.tables:
        sound_table(given.detectors, given.hours)
    if "cost" in given.tables:
        cost_table(
            given.detectors, np.concatenate([laid(c.samples) for c in first[:4]]), given.repeats
        )
    if {"words", "invented"} & set(given.tables):
        with eclectus.load(given.model, threads=1) as model:
            if "words" in given.tables:
                words_table(model, given.detectors, first)
            if "invented" in given.tables:
                invented_table(model, given.detectors, given.hours)


if __name__ == "__main__":
    main()
