"""Speech to measure detectors on: synthesised by espeak-ng and flite, or read from a folder.

Synthesised speech has true starts and ends; those of recordings, taken from the level, are rough.
"""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from benchmarks.clips import RATE, find_audio, read
from eclectus.core.types import FloatArray

_WORDS = (
    "yes no it on off stop go start left right up down one two three four five six seven eight "
    "nine ten hello okay please thanks what who help time light music lock wait cancel repeat "
    "next back Peter Chicago"
)
WORDS = _WORDS.split()

SENTENCES = (
    "The meeting is on Thursday at nine in the morning.",
    "She sells sea shells at the shore of the sea.",
    "Put the kettle on, we are nearly there.",
    "How much does a ticket to the city cost?",
    "It takes fifty six minutes by train.",
    "Please call me back when you have found the papers.",
    "A thin fog hung over the harbour until noon.",
    "Who left the window open last night?",
    "That is what he said, and nobody asked him why.",
    "Fish, chips and a cup of tea.",
    "The first half of the year was quiet.",
    "I can hear you, but the picture is frozen.",
)
_ESPEAK = ("en-us", "en-gb", "en-gb-scotland", "en-us+f3", "en-gb+f2")
_FLITE = ("slt", "rms", "awb")
_FRAME = RATE // 100
_RANGE_DB = 40.0
"""What lies further below the loudest 10 ms is not counted as part of the speech."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Speech without silence before or after it.

    Attributes:
        samples: (n,) mono at 16 kHz, loudest at 0.3 or as recorded.
        text: What is said, if that is known.
    """

    samples: FloatArray
    text: str


def synthesised(texts: Sequence[str], voices: int | None = None) -> Iterator[Clip]:
    """Yield each text by each voice of the programs that are installed.

    Raises:
        SystemExit: Neither is.
    """
    commands = [
        *(["espeak-ng", "-v", voice, "-w"] for voice in _ESPEAK if shutil.which("espeak-ng")),
        *(["flite", "-voice", voice, "-o"] for voice in _FLITE if shutil.which("flite")),
    ]
    if not commands:
        raise SystemExit("espeak-ng or flite is needed to synthesise speech")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        for command in commands[:voices]:
            for text in texts:
                said = [text] if command[0] == "espeak-ng" else ["-t", text]
                subprocess.run([*command, str(path), *said], check=True, capture_output=True)
                samples, rate = soundfile.read(io.BytesIO(path.read_bytes()), dtype="float32")
                samples = soxr.resample(samples, rate, RATE)
                yield Clip(trimmed(0.3 * samples / np.abs(samples).max()), text)


def recorded(folder: Path, every: int = 1) -> Iterator[Clip]:
    """Yield each N-th recording of a folder, with its text if there is a transcripts.tsv."""
    table, texts = folder / "transcripts.tsv", dict[str, str]()
    if table.is_file():
        with table.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
            texts = {row["file"]: row["text"] for row in rows}
    for path in find_audio([folder])[::every]:
        yield Clip(trimmed(read(path)), texts.get(path.name, ""))


def trimmed(samples: FloatArray) -> FloatArray:
    """Cut what is quiet at both ends; of a recording some breath and noise may remain."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    levels = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    (loud,) = np.nonzero(levels > levels.max() - _RANGE_DB)
    return samples[loud[0] * _FRAME : (loud[-1] + 1) * _FRAME]
