"""Live audio of any rate and of telephones gives what the same audio at once gives."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import eclectus
from eclectus.core.options import LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.signal.g711 import decode_alaw, decode_ulaw
from eclectus.streaming.events import Event, Final
from eclectus.streaming.session import Session
from tests.support.resampling import resample

DATA = Path(__file__).resolve().parents[1] / "data"
RATE = 16_000
OPTIONS = StreamOptions(live=LiveOptions(emit_partial=False))


def speech(rate: int) -> FloatArray:
    samples = np.asarray(sf.read(DATA / "garden.flac", dtype="float32")[0], np.float32)
    return resample(np.concatenate([samples, np.zeros(RATE, np.float32)]), RATE, rate)


def follow(session: Session, samples: FloatArray, block: int) -> list[tuple[str, float, float]]:
    events: list[Event] = []
    for start in range(0, len(samples), block):
        events += session.push(samples[start : start + block])
    events += session.finish()
    finals = [event for event in events if isinstance(event, Final)]
    return [(word.text, word.start, word.end) for final in finals for word in final.words]


@pytest.mark.parametrize("rate", [8_000, 24_000, 48_000])
@pytest.mark.parametrize("block_s", [0.02, 0.25])
def test_a_stream_of_another_rate_gives_the_words_of_the_whole(
    model: eclectus.Model, rate: int, block_s: float
) -> None:
    samples = speech(rate)
    live = follow(model.stream(OPTIONS, sample_rate=rate), samples, round(rate * block_s))
    whole = resample(samples, rate, RATE)
    assert len(live) > 5
    assert live == follow(model.stream(OPTIONS), whole, len(whole))


@pytest.mark.parametrize(("law", "decode"), [("ULAW", decode_ulaw), ("ALAW", decode_alaw)])
def test_a_telephone_stream_in_packets_of_20_ms_gives_the_words_of_the_whole(
    model: eclectus.Model, law: str, decode: Callable[[bytes], FloatArray]
) -> None:
    line = io.BytesIO()
    sf.write(line, speech(8_000), 8_000, format="RAW", subtype=law)
    packets = [line.getvalue()[start : start + 160] for start in range(0, line.tell(), 160)]
    received = np.concatenate([decode(packet) for packet in packets])
    live = follow(model.stream(OPTIONS, sample_rate=8_000), received, 160)
    whole = resample(decode(line.getvalue()), 8_000, RATE)
    assert len(live) > 5
    assert live == follow(model.stream(OPTIONS), whole, len(whole))
