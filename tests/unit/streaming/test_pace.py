"""How often drafts come, with a clock that is told what time it is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import eclectus
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import StreamEngine
from eclectus.streaming.pace import DraftPace
from eclectus.streaming.session import Session
from eclectus.streaming.steps import Listening
from eclectus.streaming.windows import Draft

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000


class Watch:
    """A clock that stands still but when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def after(pace: DraftPace, watch: Watch, *took: float) -> float:
    for seconds in took:
        with pace.measured():
            watch.now += seconds
    return pace.interval_s


def test_cheap_drafts_come_at_the_shortest_interval() -> None:
    watch = Watch()
    assert after(DraftPace(0.2, 0.25, watch), watch, 0.0, 0.05, 0.01) == pytest.approx(0.2)


def test_a_draft_that_takes_long_stretches_the_interval_to_its_share() -> None:
    watch = Watch()
    assert after(DraftPace(0.2, 0.25, watch), watch, 0.1) == pytest.approx(0.4)


def test_the_interval_shrinks_step_by_step_down_to_the_shortest() -> None:
    watch = Watch()
    pace = DraftPace(0.2, 0.25, watch)
    intervals = [after(pace, watch, 0.2), *(after(pace, watch, 0.01) for _ in range(8))]
    assert intervals[0] == pytest.approx(0.8)
    assert all(later <= earlier for earlier, later in pairwise(intervals))
    assert intervals[1] == pytest.approx(0.6)
    assert intervals[-1] == pytest.approx(0.2)


def test_drafts_that_were_left_out_stretch_it_and_something_always_comes() -> None:
    watch = Watch()
    pace = DraftPace(0.2, 0.25, watch)
    pace.skipped()
    assert pace.interval_s == pytest.approx(0.4)
    assert after(pace, watch, 60.0) == pytest.approx(2.0)


def speech() -> FloatArray:
    return np.asarray(sf.read(DATA / "garden.flac", dtype="float32")[0], np.float32)


def drafts(model: eclectus.Model, took: float) -> int:
    """Follow speech in blocks of 80 ms where each draft takes a time; count the drafts."""
    watch = Watch()
    options = StreamOptions(
        live=LiveOptions(chunk_s=8.0, partial_s=0.16), endpoint=EndpointOptions(enabled=False)
    )
    engine = StreamEngine(model.acoustic, options.search)
    session = Session(engine, model.tokenizer, options, clock=watch)
    count = 0
    for start in range(0, len(speech()), 1280):
        steps = session.steps(speech()[start : start + 1280])
        try:
            request = next(steps)
            while True:
                if isinstance(request, Listening):
                    request.hear()
                    request = steps.send(None)
                    continue
                count += isinstance(request.kind, Draft)
                watch.now += took
                request = steps.send(engine.run([request])[0])
        except StopIteration:
            pass
    return count


def test_a_session_makes_fewer_drafts_where_they_take_long(model: eclectus.Model) -> None:
    blocks = len(speech()) // 1280
    assert drafts(model, 0.001) == blocks // 2
    # 0.48 s of audio a draft, but for the first, which comes before anything took long.
    assert blocks // 6 <= drafts(model, 0.144) <= blocks // 6 + 1
