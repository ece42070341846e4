"""How periodic sounds are."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from eclectus.core.types import FloatArray
from eclectus.signal.voicing import periodicity

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000


def frames(samples: FloatArray) -> list[FloatArray]:
    return [samples[start : start + 320] for start in range(0, len(samples) - 320, 160)]


@pytest.mark.parametrize("pitch", [90, 130, 200, 350])
def test_a_buzz_with_the_pitch_of_a_voice_is_periodic(pitch: int) -> None:
    time = np.arange(RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * pitch * n * time) for n in range(1, 3500 // pitch))
    found = [periodicity(frame) for frame in frames(np.asarray(buzz, np.float32))]
    # Below 125 Hz the lags end before the period does.
    assert np.median(found) > (0.9 if pitch > 125 else 0.0)


@pytest.mark.parametrize("slope", [0, 1, 2])
def test_noise_is_never_periodic_for_three_frames_on_end(slope: int) -> None:
    drawn = np.random.default_rng(0).standard_normal(60 * RATE)
    hertz = np.maximum(np.fft.rfftfreq(len(drawn), 1 / RATE), 20.0)
    noise = np.fft.irfft(np.fft.rfft(drawn) * hertz ** (-slope / 2), len(drawn))
    found = np.array([periodicity(frame) for frame in frames(noise.astype(np.float32))])
    assert np.lib.stride_tricks.sliding_window_view(found, 3).min(axis=1).max() < 0.6


def test_voices_are_and_silence_is_not() -> None:
    samples = np.asarray(sf.read(DATA / "garden.flac", dtype="float32")[0], np.float32)
    found = np.array([periodicity(frame) for frame in frames(samples)])
    loud = np.array([np.square(frame).mean() for frame in frames(samples)])
    assert np.mean(found[loud > np.median(loud)] > 0.6) > 0.25
    assert periodicity(np.zeros(320, np.float32)) == 0
