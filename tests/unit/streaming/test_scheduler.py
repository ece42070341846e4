"""Many sessions on one model."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import eclectus
from eclectus.core.errors import InferenceError, StreamClosedError
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Ended, Event, Final, Partial
from eclectus.streaming.scheduler import StreamScheduler
from eclectus.streaming.session import Session

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000
OPTIONS = StreamOptions(live=LiveOptions(left_s=2.0, chunk_s=0.8, right_s=0.4))


def speech(seed: int) -> FloatArray:
    """Different speech for each session: the clips from another place on."""
    parts = [sf.read(DATA / f"{name}.flac", dtype="float32")[0] for name in ("garden", "temper")]
    return np.roll(np.concatenate(parts), -7000 * seed).astype(np.float32)


def without_drafts(events: list[Event]) -> list[Event]:
    return [event for event in events if not isinstance(event, Partial)]


def follow(scheduler: StreamScheduler, session: Session, samples: FloatArray) -> list[Event]:
    events: list[Event] = []
    for start in range(0, len(samples), RATE // 2):
        events += scheduler.push(session, samples[start : start + RATE // 2]).result()
    return [*events, *scheduler.finish(session).result()]


def test_sessions_side_by_side_find_what_each_finds_alone(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    count = 6
    found: list[list[Event]] = [[] for _ in range(count)]
    scheduler = StreamScheduler(engine, batch=4, batch_s=0.02)

    def run(place: int) -> None:
        session = Session(engine, model.tokenizer, OPTIONS)
        found[place] = follow(scheduler, session, speech(place))

    threads = [threading.Thread(target=run, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scheduler.close()
    for place in range(count):
        session = Session(engine, model.tokenizer, OPTIONS)
        alone = [*session.push(speech(place)), *session.finish()]
        assert without_drafts(found[place]) == without_drafts(alone)
        assert any(isinstance(event, Final) for event in alone)


@pytest.mark.slow
def test_a_session_that_fails_does_so_alone(model: eclectus.Model, engine: StreamEngine) -> None:
    options = StreamOptions(live=OPTIONS.live, endpoint=EndpointOptions(enabled=False))
    good, bad = (Session(engine, model.tokenizer, options) for _ in range(2))
    scheduler = StreamScheduler(engine, patience_s=0.2)
    fine = scheduler.push(good, speech(0))
    broken = scheduler.push(bad, np.full(2 * RATE, np.nan, np.float32))
    assert any(isinstance(event, Final) for event in fine.result())
    with pytest.raises(InferenceError):
        broken.result()
    scheduler.close()


def test_a_fault_in_the_engine_ends_its_call_and_no_thread(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    """Whatever it raises: those who come later are served."""

    class Faulty(StreamEngine):
        faults = 5

        def run(self, works: Sequence[Work]) -> list[Found]:
            if self.faults:
                self.faults -= 1
                raise ZeroDivisionError("a mistake of our own")
            return super().run(works)

    scheduler = StreamScheduler(Faulty(model.acoustic, OPTIONS.search))
    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            scheduler.push(Session(engine, model.tokenizer, OPTIONS), speech(0)).result(60)
    session = Session(engine, model.tokenizer, OPTIONS)
    events = [*scheduler.push(session, speech(0)).result(60), *scheduler.finish(session).result(60)]
    assert any(isinstance(event, Final) for event in events)
    scheduler.close()


def test_under_load_drafts_are_left_out_and_finals_are_not(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    sessions = [Session(engine, model.tokenizer, OPTIONS) for _ in range(8)]
    scheduler = StreamScheduler(engine, batch=1)
    pushed = [scheduler.push(session, speech(0)) for session in sessions]
    ended = [
        [*future.result(), *scheduler.finish(session).result()]
        for session, future in zip(sessions, pushed, strict=True)
    ]
    alone = Session(engine, model.tokenizer, OPTIONS)
    expected = without_drafts([*alone.push(speech(0)), *alone.finish()])
    assert [without_drafts(events) for events in ended] == [expected] * 8
    scheduler.close()


def test_flush_ends_an_utterance_and_close_waits_for_what_was_asked(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    session = Session(engine, model.tokenizer, OPTIONS)
    scheduler = StreamScheduler(engine)
    scheduler.push(session, speech(0)[: 2 * RATE]).result()
    flushed = scheduler.flush(session)
    scheduler.close()
    scheduler.close()
    assert any(isinstance(event, Final) for event in flushed.result())
    with pytest.raises(StreamClosedError):
        scheduler.finish(session)


def test_a_call_that_needs_no_step_ends_without_events(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    session = Session(engine, model.tokenizer, OPTIONS)
    scheduler = StreamScheduler(engine)
    assert scheduler.push(session, np.zeros(10, np.float32)).result(60) == []
    assert scheduler.finish(session).result() == [Ended(10 / RATE)]
    scheduler.close()
