"""Hearing speech as it comes."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.errors import OptionError
from eclectus.core.types import FloatArray
from eclectus.signal.onset import OnsetDetector, OnsetOptions

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000


def speech() -> FloatArray:
    samples, _ = sf.read(DATA / "garden.flac", dtype="float32")
    return np.asarray(samples, np.float32)


def noise(seconds: float, level: float, seed: int = 0) -> FloatArray:
    drawn = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (level * drawn).astype(np.float32)


def share(decisions: list[bool]) -> float:
    return sum(decisions) / len(decisions)


def test_speech_is_heard_from_the_first_word_on() -> None:
    decisions = OnsetDetector().push(speech())
    first = decisions.index(True)
    assert 0.05 < first / 100 < 0.4
    assert 0.4 < share(decisions) < 0.95


def test_speech_is_heard_in_noise() -> None:
    clean = speech()
    noisy = clean + noise(len(clean) / RATE, 0.003)
    lead = noise(4.0, 0.003, seed=1)
    decisions = OnsetDetector().push(np.concatenate([lead, noisy]))
    assert share(decisions[350:400]) < 0.1
    assert share(decisions[400:]) > 0.4


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3, 0.03])
def test_noise_is_not_speech_even_as_it_sets_in(level: float) -> None:
    decisions = OnsetDetector().push(noise(10.0, level))
    assert not any(decisions)


def tone(hertz: float, seconds: float = 0.5, decay: float = 2.0) -> FloatArray:
    time = np.arange(round(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 8)]
    return np.asarray(0.1 * np.exp(-decay * time) * np.sum(parts, axis=0), np.float32)


def test_tones_one_after_the_other_are_no_speech() -> None:
    melody = [tone(hertz) for hertz in (220.0, 262.0, 330.0, 294.0, 110.0)]
    signal = np.concatenate([noise(1.0, 1e-4), *melody, noise(1.0, 1e-4), *melody])
    assert not any(OnsetDetector().push(signal))


def test_a_tone_that_follows_speech_is_found_out() -> None:
    signal = np.concatenate([speech(), tone(220.0, 8.0, decay=0.1)])
    decisions = OnsetDetector().push(signal)
    after = len(speech()) // 160
    assert any(decisions[:after])
    assert not any(decisions[after + 650 :])


def test_speech_over_tones_is_heard() -> None:
    clean = speech()
    music = np.concatenate([tone(hertz, 1.0) for hertz in (220.0, 330.0, 262.0, 196.0) * 9])
    lead = 4 * RATE
    signal = (0.02 * music).astype(np.float32)
    signal[lead : lead + len(clean)] += clean
    decisions = OnsetDetector().push(signal)
    assert not any(decisions[:390])
    assert share(decisions[400 : 400 + len(clean) // 160]) > 0.3


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9000), max_size=20))
def test_any_blocks_give_the_same_decisions(cuts: list[int]) -> None:
    samples = speech()
    whole = OnsetDetector().push(samples)
    detector = OnsetDetector()
    places = [0, *np.minimum(np.cumsum(cuts), len(samples)).tolist(), len(samples)]
    parts: list[bool] = []
    for start, stop in itertools.pairwise(places):
        parts += detector.push(samples[start:stop])
    assert parts == whole


def test_a_low_threshold_hears_softer_speech_and_a_high_one_less() -> None:
    soft = 0.05 * speech() + noise(len(speech()) / RATE, 1e-3)
    lead = noise(4.0, 1e-3, seed=1)
    signal = np.concatenate([lead, soft])
    shares = [
        share(OnsetDetector(OnsetOptions.of(threshold)).push(signal)[400:])
        for threshold in (0.01, 0.5, 0.99)
    ]
    assert shares[0] > shares[1] + 0.03
    assert shares[1] > shares[2] + 0.03
    assert OnsetOptions.of(0.5) == OnsetOptions()


def test_impossible_options_are_refused() -> None:
    with pytest.raises(OptionError):
        OnsetOptions(release_db=20.0)
    with pytest.raises(OptionError):
        OnsetOptions(memory_s=0.0)
