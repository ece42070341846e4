"""Where utterances begin and end."""

import numpy as np

from eclectus.core.options import EndpointOptions
from eclectus.core.types import FloatArray
from eclectus.signal.vad import EnergyDetector
from eclectus.streaming.endpoint import Endpointer, Mark
from eclectus.streaming.events import EndpointReason

RATE = 16_000


def quiet(seconds: float) -> FloatArray:
    return np.zeros(round(seconds * RATE), np.float32)


def voice(seconds: float) -> FloatArray:
    """A buzz with harmonics whose pitch glides, as voices do."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(150 + 30 * np.sin(2 * np.pi * 3 * time)) / RATE
    tones = [np.sin(phase * n) / n for n in range(1, 17)]
    return np.asarray(0.1 * np.sum(tones, axis=0), np.float32)


def marks(samples: FloatArray, options: EndpointOptions | None = None) -> list[Mark]:
    endpointer = Endpointer(options or EndpointOptions(), EnergyDetector())
    listening = endpointer.listening(samples)
    listening.hear()
    endpointer.take(listening.decisions)
    return list(iter(endpointer.next_mark, None))


def test_an_utterance_begins_with_speech_and_ends_after_silence() -> None:
    start, end = marks(np.concatenate([quiet(1), voice(1.5), quiet(2)]))
    assert start.reason is None
    assert abs(start.at / RATE - 1.0) < 0.15  # until it is no tone
    assert start.known / RATE < 1.2
    assert end.reason is EndpointReason.SILENCE
    assert abs(end.at / RATE - 2.5) < 0.05
    assert abs((end.known - end.at) / RATE - 0.8) < 0.05


def test_a_click_begins_nothing() -> None:
    assert not marks(np.concatenate([quiet(1), voice(0.03), quiet(1)]))


def test_a_short_pause_ends_nothing() -> None:
    found = marks(np.concatenate([voice(1), quiet(0.5), voice(1), quiet(1.5)]))
    assert [mark.reason for mark in found] == [None, EndpointReason.SILENCE]


def test_a_long_utterance_ends_without_silence_and_the_next_begins() -> None:
    options = EndpointOptions(max_utterance_s=2.0)
    found = marks(np.concatenate([quiet(0.2), voice(1.3)] * 4), options)
    assert [mark.reason for mark in found[:3]] == [None, EndpointReason.LENGTH, None]
    assert abs((found[1].known - found[0].at) / RATE - 2.0) < 0.05
