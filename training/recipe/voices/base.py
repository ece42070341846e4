"""What every engine does: speak a sentence in a voice drawn by a seeded generator."""

import random
import subprocess
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recipe.packs import RATE, Phones, Samples

Floats = NDArray[np.float32]

_folders: list[tempfile.TemporaryDirectory[str]] = []
"""The folders of `scratch`; a folder that nothing refers to would be removed at once."""


class SynthesisError(RuntimeError):
    """An engine gave no usable audio for a sentence; the sentence is skipped."""


@dataclass(frozen=True)
class Spoken:
    """One spoken sentence: int16 at 16 kHz, the voice's name and, where known, the phones."""

    samples: Samples
    voice: str
    phones: Phones


class Engine(Protocol):
    """A synthesiser; made once in each process."""

    def say(self, text: str, held: bool, rng: random.Random) -> Spoken:
        """Speak the text.

        Args:
            text: A sentence.
            held: Whether voices kept out of training may be drawn.
            rng: Decides the voice and its settings; nothing else does.

        Raises:
            SynthesisError: If no usable audio came out.
        """


def pick(train: Sequence[str], only_held: Sequence[str], held: bool, rng: random.Random) -> str:
    """Draw a voice: for training, a training voice; else in half the cases a held-out one."""
    if held and only_held and rng.random() < 0.5:
        return rng.choice(only_held)
    return rng.choice(train)


def finish(audio: Floats, rate: int, rng: random.Random, trim: bool = True) -> Samples:
    """Bring audio to 16 kHz int16 with a peak of 0.7, with 0.05–0.35 s of silence at the ends.

    Args:
        audio: Samples, one dimension, any scale.
        rate: Their rate in hertz.
        rng: Draws the lengths of the silences.
        trim: Whether to cut or fill the silences at the ends.

    Raises:
        SynthesisError: If the audio is empty, silent or not finite.
    """
    peak = float(np.abs(audio).max(initial=0.0))
    if not np.isfinite(peak) or peak < 1e-5:
        raise SynthesisError("no sound came out")
    audio = resample(audio / peak, rate)
    if trim:
        audio = _edges(audio, rng.uniform(0.05, 0.35), rng.uniform(0.05, 0.35))
    return np.asarray(np.clip(np.round(audio * 0.7 * 32767), -32768, 32767), dtype=np.int16)


def resample(audio: Floats, rate: int) -> Floats:
    """Resample to 16 kHz."""
    if rate == RATE:
        return audio
    import soxr

    return np.asarray(soxr.resample(audio, rate, RATE), dtype=np.float32)


def check_pace(text: str, seconds: float) -> None:
    """Refuse speech that is too short or too long for its text.

    Raises:
        SynthesisError: If the pace lies outside 4–32 letters a second.
    """
    pace = sum(map(str.isalpha, text)) / max(seconds, 1e-3)
    if not 4 <= pace <= 32:
        raise SynthesisError(f"{pace:.1f} letters a second")


def run(command: Sequence[str], text: str = "", timeout: float = 60) -> str:
    """Run a program with the text on its input and return its output.

    Raises:
        SynthesisError: If it fails or takes too long.
    """
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=True, timeout=timeout
        )
    except (subprocess.SubprocessError, UnicodeDecodeError) as error:
        raise SynthesisError(str(error)) from error
    return done.stdout


def scratch(suffix: str = ".wav") -> Path:
    """A file name of one's own in the fastest temporary folder, removed when Python ends."""
    fast = Path("/dev/shm")
    folder = tempfile.TemporaryDirectory(prefix="speech-", dir=fast if fast.is_dir() else None)
    _folders.append(folder)
    return Path(folder.name) / f"out{suffix}"


def read_wave(path: Path) -> tuple[Floats, int]:
    """Read a 16-bit mono WAV file: samples in -1…1 and the rate.

    Raises:
        SynthesisError: If it is not such a file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2 or file.getnchannels() != 1:
                raise SynthesisError(f"{path} is not 16-bit mono")
            data, rate = file.readframes(file.getnframes()), file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise SynthesisError(str(error)) from error
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / 32768, rate


def _edges(audio: Floats, before: float, after: float) -> Floats:
    """Give the speech exactly this much near-silence at its ends, in seconds."""
    frame = RATE // 100
    energy = np.abs(audio[: audio.size // frame * frame]).reshape(-1, frame).max(axis=1, initial=0)
    loud = np.flatnonzero(energy > 0.02 * energy.max(initial=0.0))
    if not loud.size:
        raise SynthesisError("no sound came out")
    first, last = int(loud[0]) * frame, (int(loud[-1]) + 1) * frame
    head, tail = round(before * RATE), round(after * RATE)
    left, right = audio[max(0, first - head) : first], audio[last : last + tail]
    pads = np.zeros(head - left.size, np.float32), np.zeros(tail - right.size, np.float32)
    return np.concatenate([pads[0], left, audio[first:last], right, pads[1]])
