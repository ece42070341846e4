"""Models that say themselves where an utterance ends, by `<EOU>`.

The built-in model's comma, or its full stop, is given that name.
"""

import itertools
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

import eclectus
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.signal.vad import EnergyDetector
from eclectus.streaming.endpoint import Endpointer
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    Event,
    Final,
    Partial,
    SpeechStarted,
)
from tests.support.builtin import copy_builtin

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000
LIVE = LiveOptions(left_s=4.0, chunk_s=0.8, right_s=0.8)


@cache
def model(piece: str) -> eclectus.Model:
    with tempfile.TemporaryDirectory() as folder:
        path = copy_builtin(Path(folder) / "model", pieces={piece: "<EOU>"})
        return eclectus.load(path, threads=1)


@cache
def temper() -> FloatArray:
    """'You shouldn't have lost your temper,' a pause, 'so she spoke …'."""
    samples, _ = sf.read(DATA / "temper.flac", dtype="float32")
    return np.concatenate([samples, np.zeros(2 * RATE)]).astype(np.float32)


def follow(piece: str, options: StreamOptions, places: list[int]) -> list[Event]:
    session = model(piece).stream(options)
    edges = [0, *sorted(place % len(temper()) for place in places), len(temper())]
    events: list[Event] = []
    for start, stop in itertools.pairwise(edges):
        events += session.push(temper()[start:stop])
    return [*events, *session.finish()]


def told(events: list[Event]) -> list[str]:
    """The words between the starts and the ends of utterances."""
    marks: list[str] = []
    for event in events:
        if isinstance(event, Final):
            marks += [word.text for word in event.words]
        elif isinstance(event, Endpoint):
            marks.append(f"<{event.reason.value}>")
        elif isinstance(event, SpeechStarted):
            marks.append("<start>")
    return marks


@pytest.mark.parametrize("endpoints", [True, False])
def test_the_token_ends_an_utterance_and_the_next_follows(endpoints: bool) -> None:
    options = StreamOptions(live=LIVE, endpoint=EndpointOptions(enabled=endpoints, silence_s=1.5))
    events = follow(",", options, list(range(0, len(temper()), 1600)))
    marks = told(events)
    place = marks.index("<token>")
    assert {"You", "your"} <= set(marks[:place])
    assert {"spoke", "little"} <= set(marks[place:])
    assert marks.count("<token>") == 1
    if endpoints:
        assert marks[0] == marks[place + 1] == "<start>"
        assert marks[-1] == "<silence>"
    ends = [event.at for event in events if isinstance(event, Endpoint)]
    assert 1.6 < ends[0] < 2.8
    assert events[-1] == Ended(len(temper()) / RATE)


def test_the_token_is_no_text_live_or_in_a_file() -> None:
    live = follow(".", StreamOptions(live=LIVE), [])
    words = [word.text for e in live if isinstance(e, Final | Partial) for word in e.words]
    file = model(".").transcribe(temper(), sample_rate=RATE)
    hypothesis = model(".").hypothesis(temper(), sample_rate=RATE)
    end_id = model(".").tokenizer.special_id("<EOU>")
    assert end_id in hypothesis.token_ids.tolist()
    assert [token.id for token in file.tokens] == hypothesis.token_ids.tolist()
    assert [token.log_prob for token in file.tokens] == hypothesis.log_probs.tolist()
    assert end_id not in [token.id for word in file.words for token in word.tokens]
    for text in (" ".join(words), file.text, *(token.text for token in file.tokens)):
        assert "EOU" not in text
        assert "." not in text
    with eclectus.load(threads=1) as plain:
        told = plain.transcribe(temper(), sample_rate=RATE).text
    assert "." in told
    assert file.text == told.replace(".", "")


def test_an_utterance_that_ends_with_the_token_before_the_silence_says_so() -> None:
    marks = told(follow(".", StreamOptions(), []))
    assert marks[0] == "<start>"
    assert marks[-1] == "<token>"
    assert sum(mark.startswith("<") for mark in marks) == 2


def test_a_model_without_the_token_knows_none() -> None:
    with eclectus.load(threads=1) as plain:
        assert plain.tokenizer.special_id("<EOU>") is None
        assert plain.tokenizer.special_id(",") is None


@settings(max_examples=10, deadline=None)
@given(st.booleans(), st.lists(st.integers(0, 200_000), max_size=30))
def test_any_pieces_give_the_same(endpoints: bool, places: list[int]) -> None:
    options = StreamOptions(
        live=replace(LIVE, emit_partial=False),
        endpoint=EndpointOptions(enabled=endpoints, silence_s=1.5),
    )
    assert follow(",", options, places) == expected(options)


@cache
def expected(options: StreamOptions) -> list[Event]:
    events = follow(",", options, [])
    assert "<token>" in told(events)
    return events


@pytest.mark.parametrize(("spoken_after", "begun"), [(0, False), (50, True)])
def test_the_next_utterance_begins_at_once_only_if_somebody_spoke_on(
    spoken_after: int, begun: bool
) -> None:
    decisions = [True] * (100 + spoken_after) + [False] * 60
    endpointer = Endpointer(EndpointOptions(), EnergyDetector())
    endpointer.take(decisions)
    assert endpointer.next_mark() is not None
    while endpointer.next_mark(until=160 * 160) is not None:
        pass
    assert endpointer.begin_anew(100 * 160) is begun
