"""How much sounds resemble what was before."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from eclectus.core.types import FloatArray
from eclectus.signal.voicing import SPAN, Resemblance, resemblance

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000


def found_in(samples: FloatArray) -> list[Resemblance]:
    places = range(0, len(samples) - SPAN, 160)
    return [resemblance(samples[start : start + SPAN]) for start in places]


def buzz(*pitches: float, glide: float = 0.0) -> FloatArray:
    """A second of harmonics of each pitch, which swings by this share."""
    time = np.arange(RATE) / RATE
    swing = np.cumsum(1 + glide * np.sin(2 * np.pi * 3 * time)) / RATE
    parts = [
        np.sin(2 * np.pi * pitch * n * swing) / n
        for pitch in pitches
        for n in range(1, round(3500 / pitch))
    ]
    return np.asarray(0.05 * np.sum(parts, axis=0), np.float32)


@pytest.mark.parametrize("pitch", [70, 90, 130, 200, 350])
def test_a_tone_is_periodic_and_goes_on(pitch: int) -> None:
    for found in found_in(buzz(pitch)):
        assert found.period > 0.85
        assert found.past > 0.85
        assert found.change_db < 1


def test_a_chord_goes_on() -> None:
    past = [found.past for found in found_in(buzz(220.0, 277.2, 329.6))]
    assert np.median(past) > 0.55


def test_a_voice_that_glides_is_periodic_and_soon_another() -> None:
    found = found_in(buzz(120, glide=0.1))
    assert np.median([one.period for one in found]) > 0.45
    assert np.median([one.past for one in found]) < 0.55


@pytest.mark.parametrize("slope", [0, 1, 2])
def test_noise_is_never_periodic_at_two_looks_on_end(slope: int) -> None:
    drawn = np.random.default_rng(0).standard_normal(60 * RATE)
    hertz = np.maximum(np.fft.rfftfreq(len(drawn), 1 / RATE), 20.0)
    noise = np.fft.irfft(np.fft.rfft(drawn) * hertz ** (-slope / 2), len(drawn))
    period = np.array([found.period for found in found_in(noise.astype(np.float32))])
    assert np.minimum(period[2:], period[:-2]).max() < 0.45  # 20 ms apart


def test_voices_are_periodic_and_change_and_silence_is_nothing() -> None:
    samples = np.asarray(sf.read(DATA / "garden.flac", dtype="float32")[0], np.float32)
    found = found_in(samples)
    ends = [
        np.square(samples[i * 160 + SPAN - 320 : i * 160 + SPAN]).mean() for i in range(len(found))
    ]
    loud = np.array(ends) > np.median(ends)
    assert np.mean(np.array([one.period for one in found])[loud] > 0.45) > 0.5
    assert np.mean(np.array([one.past for one in found])[loud] < 0.55) > 0.5
    assert np.mean(np.array([one.change_db for one in found])[loud] > 2.5) > 0.5
    assert resemblance(np.zeros(SPAN, np.float32)) == Resemblance(0.0, 0.0, 0.0)


@pytest.mark.parametrize("gain", [1e-3, 30.0])
def test_loudness_does_not_matter(gain: float) -> None:
    samples = buzz(120, glide=0.2)[:SPAN]
    scaled = resemblance((gain * samples).astype(np.float32))
    assert tuple(scaled) == pytest.approx(tuple(resemblance(samples)), abs=0.01)
