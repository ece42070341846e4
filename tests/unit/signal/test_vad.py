"""Speech without a model: bursts of voice in noise are found, and their pauses."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.types import FloatArray
from eclectus.signal.spans import Span, pauses
from eclectus.signal.vad import EnergyDetector, speech_spans

_DATA = Path(__file__).resolve().parents[2] / "data"
_RATE = 16_000


def _scene(
    talks: list[tuple[float, float]], total_s: float, snr_db: float, *, pink: bool = False
) -> FloatArray:
    """Return voice during the talks, in noise all along."""
    signal = np.zeros(round(total_s * _RATE))
    for start, stop in talks:
        place = slice(round(start * _RATE), round(stop * _RATE))
        signal[place] = _utterance(stop - start)
    power = np.mean(signal[signal != 0] ** 2) if talks else 1e-2
    noise = np.random.default_rng(5).standard_normal(len(signal))
    if pink:
        spectrum = np.fft.rfft(noise)
        noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 50)))
        noise = np.resize(noise, len(signal))
    noise *= np.sqrt(power / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    return (signal + noise).astype(np.float32)


def _utterance(seconds: float) -> FloatArray:
    """Return syllables of a gliding voice with hisses between, 30 ms of closure now and then."""
    time = np.arange(round(seconds * _RATE)) / _RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE
    voiced = sum(np.sin(k * phase) / k for k in range(1, 25))
    loudness = 0.15 + 0.85 * np.abs(np.sin(2 * np.pi * 2.2 * time))
    closure = (time % 0.37) > 0.03
    result: FloatArray = (0.2 * voiced * loudness * closure).astype(np.float32)
    return result


_TALKS = [(0.6, 2.4), (3.0, 4.9), (5.3, 7.2), (8.5, 9.4)]
_SILENCES = [(0.0, 0.6), (2.4, 3.0), (4.9, 5.3), (7.2, 8.5), (9.4, 10.0)]


@pytest.mark.parametrize("snr_db", [10.0, 15.0, 20.0, 60.0])
@pytest.mark.parametrize("pink", [False, True])
def test_every_pause_is_found_and_speech_is_kept(snr_db: float, pink: bool) -> None:
    signal = _scene(_TALKS, 10.0, snr_db, pink=pink)
    spans = speech_spans(signal)
    gaps = list(pauses(spans, len(signal)))
    for start, stop in _SILENCES:
        middle = round((start + stop) / 2 * _RATE)
        assert any(gap.start <= middle < gap.stop for gap in gaps), (start, stop)
    assert _covered(spans, _TALKS) > 0.9
    assert _covered(spans, _SILENCES) < 0.25


def test_a_recording_that_begins_in_the_middle_of_a_word_is_found_from_its_start() -> None:
    spans = speech_spans(_scene([(0.0, 2.0)], 3.0, 20.0))
    assert spans[0].start < 0.05 * _RATE


@pytest.mark.parametrize("snr_db", [0.0, 40.0, 90.0])
def test_steady_noise_is_no_speech(snr_db: float) -> None:
    assert speech_spans(_scene([], 8.0, snr_db)) == []


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 1_000, 16_000])
def test_silence_and_next_to_nothing_are_no_speech(samples: int) -> None:
    assert speech_spans(np.zeros(samples, np.float32)) == []


def test_the_noise_may_become_louder() -> None:
    calm, loud = _scene([(1.0, 2.0)], 6.0, 50.0), _scene([(4.0, 5.0)], 8.0, 12.0)
    spans = speech_spans(np.concatenate([calm, loud]))
    for start, stop in [(1.0, 2.0), (10.0, 11.0)]:
        assert _covered(spans, [(start, stop)]) > 0.8
    assert _covered(spans, [(11.5, 14.0)]) < 0.1


def test_a_click_is_no_speech() -> None:
    signal = _scene([], 4.0, 60.0)
    signal[32_000:32_100] += 0.5
    assert speech_spans(signal) == []


@settings(max_examples=25, deadline=None)
@given(chunks=st.lists(st.integers(0, 40_000), max_size=25), look_ahead=st.sampled_from([0, 150]))
def test_any_blocks_give_the_same_decisions(chunks: list[int], look_ahead: int) -> None:
    signal = _speech() + _noise(len(_speech()) / _RATE, 1e-3)
    whole, detector = (EnergyDetector(look_ahead=look_ahead) for _ in range(2))
    found = []
    position = 0
    for chunk in [*chunks, len(signal)]:
        found.extend(detector.push(signal[position : position + chunk]))
        position += chunk
    expected = [*whole.push(signal), *whole.finish()]
    assert any(expected)
    assert found + detector.finish() == expected


def test_every_mel_frame_is_decided_once() -> None:
    detector = EnergyDetector(look_ahead=150)
    early = detector.push(np.zeros(_RATE, np.float32))
    assert len(early) == 0
    assert len(detector.finish()) == (_RATE - 320) // 160 + 1
    assert len(EnergyDetector().push(np.zeros(_RATE, np.float32))) == (_RATE - 320) // 160 + 1


@pytest.mark.parametrize("look_ahead", [0, 150])
def test_memory_is_constant(look_ahead: int) -> None:
    detector = EnergyDetector(look_ahead=look_ahead)
    signal = _scene(_TALKS, 10.0, 20.0)
    for _ in range(10):
        detector.push(signal)
    assert len(detector._tail) < 320
    assert len(detector._waiting) == look_ahead
    assert len(detector._floor) <= 302


def _speech() -> FloatArray:
    return np.asarray(sf.read(_DATA / "garden.flac", dtype="float32")[0], np.float32)


def _noise(seconds: float, level: float, seed: int = 0) -> FloatArray:
    drawn = np.random.default_rng(seed).standard_normal(round(seconds * _RATE))
    return (level * drawn).astype(np.float32)


def test_a_live_stream_is_heard_from_the_first_word_on() -> None:
    decisions = EnergyDetector().push(_speech())
    assert 0.05 < decisions.index(True) / 100 < 0.4
    assert 0.4 < np.mean(decisions) < 0.95


def test_a_live_stream_is_heard_in_noise() -> None:
    noisy = _speech() + _noise(len(_speech()) / _RATE, 0.003)
    decisions = EnergyDetector().push(np.concatenate([_noise(4.0, 0.003, seed=1), noisy]))
    assert np.mean(decisions[350:400]) < 0.1
    assert np.mean(decisions[400:]) > 0.4


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3, 0.03])
def test_noise_is_not_speech_even_as_it_sets_in(level: float) -> None:
    assert not any(EnergyDetector().push(_noise(10.0, level)))


def test_hum_that_sets_in_is_no_speech_after_some_seconds() -> None:
    time = np.arange(10 * _RATE) / _RATE
    hum = sum(0.1 * np.sin(2 * np.pi * 50 * n * time + n * n) / n for n in range(1, 10))
    decisions = EnergyDetector().push(np.asarray(hum, np.float32))
    assert any(decisions[:300])
    assert not any(decisions[400:])


def test_a_low_threshold_hears_softer_speech_and_a_high_one_less() -> None:
    soft = 0.05 * _speech() + _noise(len(_speech()) / _RATE, 1e-3)
    signal = np.concatenate([_noise(4.0, 1e-3, seed=1), soft])
    shares = [
        float(np.mean(EnergyDetector(threshold).push(signal)[400:]))
        for threshold in (0.01, 0.5, 0.99)
    ]
    assert shares[0] > shares[1] + 0.03
    assert shares[1] > shares[2] + 0.03


def test_spans_lie_inside_the_signal_and_apart() -> None:
    signal = _scene([(0.0, 1.0), (1.5, 3.0)], 3.0, 30.0)
    spans = speech_spans(signal)
    assert spans[0].start == 0
    assert spans[-1].stop <= len(signal)
    assert all(one.stop < two.start for one, two in pairwise(spans))


def _covered(spans: list[Span], times: list[tuple[float, float]]) -> float:
    """Return the share of the times that the spans cover."""
    inside = np.zeros(20 * _RATE, np.bool_)
    for span in spans:
        inside[span.start : span.stop] = True
    wanted = np.concatenate([inside[round(a * _RATE) : round(b * _RATE)] for a, b in times])
    return float(wanted.mean())
