"""Audio to measure on: cut from a folder of speech, or synthesised with NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 16_000
AUDIO_SUFFIXES = {".flac", ".wav", ".opus", ".ogg", ".mp3"}


def find_audio(paths: Sequence[Path]) -> list[Path]:
    """Return files, and the audio files of folders, sorted by name."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        found += [p for p in inside if p.suffix in AUDIO_SUFFIXES]
    return found


def read(path: Path) -> NDArray[np.float32]:
    """Read a file of 16 kHz mono.

    Raises:
        ValueError: It is something else.
    """
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE or samples.ndim != 1:
        raise ValueError(f"{path}: 16 kHz mono wanted")
    return np.asarray(samples)


def spread(count: int, shortest: float, longest: float, seed: int = 0) -> list[float]:
    """Return lengths in seconds, evenly spread and shuffled."""
    lengths = np.linspace(shortest, longest, count)
    return [float(x) for x in np.random.default_rng(seed).permutation(lengths)]


def write_clips(source: Path | None, lengths: Sequence[float], folder: Path) -> list[Path]:
    """Cut clips of the given lengths one after the other from a folder's speech, as WAV.

    Args:
        source: Folder of 16 kHz mono audio, read in order of name and repeated if too short;
            None for synthetic sound.
        lengths: In seconds.
        folder: Where to; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    total = int((sum(lengths) + 1) * RATE)
    material = _material(source, total)
    clips, start = [], 0
    for i, seconds in enumerate(lengths):
        stop = start + round(seconds * RATE)
        path = folder / f"clip-{i:02d}-{seconds:.2f}s.wav"
        soundfile.write(path, material[start:stop], RATE, subtype="PCM_16")
        clips.append(path)
        start = stop
    return clips


def _material(source: Path | None, samples: int) -> NDArray[np.float32]:
    if source is None:
        block = synthetic_clip(60.0)
        return np.resize(block, samples)
    parts: list[NDArray[np.float32]] = []
    size = 0
    for path in find_audio([source]):
        parts.append(read(path))
        size += len(parts[-1])
        if size >= samples:
            break
    return np.resize(np.concatenate(parts), samples)


def synthetic_clip(seconds: float = 12.0, seed: int = 0) -> NDArray[np.float32]:
    """Return (N,) float32: buzzing syllables with moving resonances, hiss and pauses.

    Not speech, but loud and varied where speech is, so that calibration works without a file.
    """
    rng = np.random.default_rng(seed)
    parts: list[NDArray[np.float64]] = []
    while sum(len(part) for part in parts) < seconds * 16_000:
        n = int(rng.uniform(0.08, 0.35) * 16_000)
        time = np.arange(n) / 16_000
        pitch = rng.uniform(90, 220) * (1 + 0.2 * rng.standard_normal() * time)
        phase = 2 * np.pi * np.cumsum(pitch) / 16_000
        voice = np.zeros(n)
        formants = rng.uniform((250, 800, 2000), (900, 2300, 3500))
        for k in range(1, 40):
            gain = sum(1 / (1 + ((k * pitch.mean() - f) / 120) ** 2) for f in formants)
            voice += gain * np.sin(k * phase)
        hiss = rng.standard_normal(n) * rng.uniform(0, 0.4)
        envelope = np.sin(np.pi * np.arange(n) / n) ** 0.5
        parts += [envelope * (0.1 * voice + hiss), np.zeros(int(rng.exponential(0.04) * 16_000))]
    signal = np.concatenate(parts)[: int(seconds * 16_000)]
    signal += 0.002 * rng.standard_normal(len(signal))
    return np.asarray(0.3 * signal / np.abs(signal).max(), np.float32)
