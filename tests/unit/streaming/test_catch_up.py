"""Sessions that catch up in long chunks, with the model that the package ships."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile as sf

import eclectus
from eclectus.core.options import EndpointOptions, GreedySearch, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Event, Final
from eclectus.streaming.session import Session

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000
OPTIONS = StreamOptions(live=LiveOptions(chunk_s=0.8, right_s=1.2, emit_partial=False))
CATCHING_UP = replace(OPTIONS, catch_up_s=20.0)


class CountingEngine(StreamEngine):
    """Counts the audio that is encoded."""

    samples = 0

    def run(self, works: Sequence[Work]) -> list[Found]:
        self.samples += sum(len(work.samples) for work in works)
        return super().run(works)


def speech() -> FloatArray:
    silence = np.zeros(2 * RATE, np.float32)
    clips = [np.asarray(sf.read(DATA / f"{name}.flac")[0], np.float32) for name in NAMES]
    return np.concatenate([part for clip in clips for part in (clip, silence)])


NAMES = ("garden", "temper", "garden")


def follow(
    model: eclectus.Model, options: StreamOptions, block: int
) -> tuple[list[Event], CountingEngine]:
    engine = CountingEngine(model.acoustic, GreedySearch())
    session = Session(engine, model.tokenizer, options)
    samples = speech()
    events = [
        event
        for start in range(0, len(samples), block)
        for event in session.push(samples[start : start + block])
    ]
    return [*events, *session.finish()], engine


def words(events: Sequence[Event]) -> list[str]:
    return [word.text for event in events if isinstance(event, Final) for word in event.words]


def test_audio_that_waits_is_encoded_a_few_times_only(model: eclectus.Model) -> None:
    _, bulk = follow(model, CATCHING_UP, 30 * RATE)
    _, patient = follow(model, OPTIONS, 30 * RATE)
    assert bulk.samples < 1.5 * len(speech())
    assert patient.samples > 2.5 * bulk.samples


def test_without_endpoints_too(model: eclectus.Model) -> None:
    options = replace(CATCHING_UP, endpoint=EndpointOptions(enabled=False))
    events, engine = follow(model, options, 30 * RATE)
    assert engine.samples < 3 * len(speech())
    assert words(events)[:2] == ["The", "little"]


def test_live_audio_is_divided_as_without(model: eclectus.Model) -> None:
    caught_up, _ = follow(model, CATCHING_UP, RATE // 25)
    patient, _ = follow(model, OPTIONS, RATE // 25)
    assert words(caught_up) == words(patient)


def test_no_word_is_lost_or_doubled_by_catching_up(model: eclectus.Model) -> None:
    said = sum(len((DATA / f"{name}.txt").read_text().split()) for name in NAMES)
    for block in (RATE // 2, 3 * RATE, 30 * RATE):
        found = words(follow(model, CATCHING_UP, block)[0])
        assert found.count("little") in (2, 3)  # "spoke a little" is not always understood
        # A clip that is lost or doubled is a third of the words.
        assert abs(len(found) - said) < said / 4
