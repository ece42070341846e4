"""Dividing a window in a pause."""

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.recognition.pauses import find_pause

RATE = 16_000


def babble(seconds: float, seed: int = 0) -> FloatArray:
    """A voiced sound with syllables, and no pause of more than 0.1 s."""
    time = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 120 * k * time + k) / k for k in range(1, 20))
    syllables = 0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)
    noise = np.random.default_rng(seed).normal(0, 0.002, len(time))
    return (0.1 * voice * syllables + noise).astype(np.float32)


def hiss(seconds: float) -> FloatArray:
    return np.random.default_rng(1).normal(0, 0.002, int(seconds * RATE)).astype(np.float32)


def test_the_longest_pause_of_the_second_half_is_chosen() -> None:
    parts = [babble(2), hiss(1.5), babble(4), hiss(0.5), babble(1), hiss(0.9), babble(1)]
    cut = find_pause(np.concatenate(parts))
    assert cut is not None
    assert 9.0 < cut / RATE < 9.9


def test_a_window_without_a_pause_is_not_divided() -> None:
    assert find_pause(babble(10)) is None


def test_silence_is_one_pause() -> None:
    cut = find_pause(np.zeros(10 * RATE, np.float32))
    assert cut is not None
    assert cut > 5 * RATE
