"""A stream gives the same finals for any division into pieces."""

import itertools
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

import eclectus
from eclectus.core.options import EndpointOptions, LiveOptions, SegmentOptions, StreamOptions
from eclectus.core.types import FloatArray, Word
from eclectus.streaming.events import Ended, Endpoint, Event, Final, Partial, SegmentDone
from eclectus.text.segments import Segmenter

DATA = Path(__file__).resolve().parents[1] / "data"
RATE = 16_000
OPTIONS = (
    StreamOptions(
        live=LiveOptions(left_s=2.0, chunk_s=0.8, right_s=0.4, partial_s=1.0),
        segments=SegmentOptions(max_words=8),
    ),
    StreamOptions(
        live=LiveOptions(left_s=1.0, chunk_s=0.4, right_s=0.0, emit_partial=False),
        endpoint=EndpointOptions(enabled=False),
    ),
    StreamOptions(
        live=LiveOptions(partial_s=1.0),
        endpoint=EndpointOptions(silence_s=0.2, max_utterance_s=2.0),
    ),
)


@cache
def model() -> eclectus.Model:
    return eclectus.load(threads=1)


@cache
def speech() -> FloatArray:
    samples, _ = sf.read(DATA / "garden.flac", dtype="float32")
    pause = np.zeros(RATE, np.float32)
    return np.concatenate([samples, pause, samples[:RATE]]).astype(np.float32)


def finals(options: StreamOptions, places: list[int]) -> list[Event]:
    """Follow the speech in pieces that end at the given places."""
    session = model().stream(options)
    samples = speech()
    edges = [0, *sorted(place % len(samples) for place in places), len(samples)]
    events: list[Event] = []
    for start, stop in itertools.pairwise(edges):
        events += session.push(samples[start:stop])
    events += session.finish()
    return [event for event in events if not isinstance(event, Partial)]


@cache
def expected(options: StreamOptions) -> list[Event]:
    return finals(options, [])


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from(OPTIONS),
    st.lists(st.integers(0, 200_000), max_size=30) | st.builds(list, st.just(range(40))),
)
def test_any_pieces_give_the_same_finals(options: StreamOptions, places: list[int]) -> None:
    assert finals(options, places) == expected(options)


@pytest.mark.parametrize("options", OPTIONS)
def test_segments_are_those_of_the_whole_utterance(options: StreamOptions) -> None:
    """What was told of an utterance under way is what its end says."""
    segmenter = Segmenter(options.segments)
    segments, words = [], list[Word]()
    for event in finals(options, list(range(0, len(speech()), RATE // 5))):
        if isinstance(event, Final):
            words += event.words
        elif isinstance(event, SegmentDone):
            segments.append(event.segment)
        elif isinstance(event, Endpoint | Ended):
            whole = [*segmenter.add(words), *segmenter.finish()]
            assert segments == [replace(segment, language="en") for segment in whole]
            segments, words = [], []
