#!/usr/bin/env python3
"""Synthesise the clips that the repository ships: `scripts/make_clips.py`.

Needs the program flite (Debian: `apt-get install flite`). The sentences are in the public domain
(L. M. Alcott, C. Dickens, A. Conan Doyle, M. Twain) or written for the purpose; flite's voices
are under a BSD-like licence.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

ROOT = Path(__file__).resolve().parent.parent
PAUSE_S = 0.45


@dataclass(frozen=True)
class Clip:
    path: str
    voice: str
    sentences: tuple[str, ...]


CLIPS = (
    Clip(
        "tests/data/garden.flac",
        "rms",
        ("The little garden was quiet, and she looked at the open door.",),
    ),
    Clip(
        "tests/data/temper.flac",
        "slt",
        ("You shouldn't have lost your temper.", "So she spoke a little now."),
    ),
    Clip(
        "examples/clips/story.flac",
        "rms",
        (
            "Then all the girls began to cry, one after the other.",
            "I am very sure you did me good.",
            "He needs a party of jolly boys to play with, or somebody young and lively.",
            "You turn your face away so you can't see, and then I will.",
            "When I return I shall be as other men are.",
            "Yes, they talk like that, all the time.",
        ),
    ),
)


def speak(text: str, voice: str) -> tuple[np.ndarray, int]:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(wav)], check=True)
        samples, rate = sf.read(wav, dtype="int16")
    return samples, rate


def make(clip: Clip) -> None:
    parts: list[np.ndarray] = []
    rate = 0
    for sentence in clip.sentences:
        samples, rate = speak(sentence, clip.voice)
        parts += [samples, np.zeros(int(PAUSE_S * rate), np.int16)]
    path = ROOT / clip.path
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = np.concatenate(parts[:-1])
    sf.write(path, audio, rate, subtype="PCM_16")
    path.with_suffix(".txt").write_text(" ".join(clip.sentences) + "\n", encoding="utf-8")
    print(f"{clip.path}: {len(audio) / rate:.1f} s, {path.stat().st_size:,} bytes")


def main() -> int:
    for clip in CLIPS:
        make(clip)
    return 0


if __name__ == "__main__":
    sys.exit(main())
