"""An utterance that may be over is computed to its end before that is certain."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

import eclectus
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Endpoint, Event, Final, Partial
from eclectus.streaming.scheduler import StreamScheduler
from eclectus.streaming.session import Session
from eclectus.streaming.steps import Listening, Steps
from eclectus.streaming.throughput import Utilization
from eclectus.streaming.waiting import WaitingLine
from eclectus.streaming.windows import Ahead, Draft
from tests.support.clips import samples as clip

RATE = 16_000
BLOCK = RATE // 10
DEFAULTS = StreamOptions()


def speech(pause_s: float) -> FloatArray:
    """Two sentences with a pause between them, and silence behind."""
    return np.concatenate([clip("garden", after_s=pause_s), clip("temper", after_s=2.0)])


@dataclass
class Followed:
    """What each block of a stream brought and what was computed for it."""

    events: list[list[Event]] = field(default_factory=list)
    works: list[list[Work]] = field(default_factory=list)

    def said(self) -> list[Event]:
        """All events but drafts."""
        return [event for part in self.events for event in part if not isinstance(event, Partial)]

    def ahead(self) -> int:
        return sum(isinstance(work.kind, Ahead) for works in self.works for work in works)


def follow(
    engine: StreamEngine,
    session: Session,
    samples: FloatArray,
    *,
    block: int = BLOCK,
    drafts: bool = True,
    ahead: bool = True,
) -> Followed:
    """Compute the steps of a stream, drafts and ends ahead of their time if there is time."""
    followed = Followed()
    for at in range(0, len(samples), block):
        calls = [session.steps(samples[at : at + block])]
        if at + block >= len(samples):
            calls.append(session.last_steps())
        for steps in calls:
            works: list[Work] = []
            events = compute(steps, engine, works, drafts=drafts, ahead=ahead)
            followed.events.append(events)
            followed.works.append(works)
    return followed


def compute(
    steps: Steps, engine: StreamEngine, works: list[Work], *, drafts: bool, ahead: bool
) -> list[Event]:
    """Compute the steps of a call, and note them."""
    try:
        request = next(steps)
        while True:
            found = None
            if isinstance(request, Listening):
                request.hear()
            else:
                works.append(request)
                is_draft = isinstance(request.kind, Draft)
                wanted = ahead if isinstance(request.kind, Ahead) else drafts or not is_draft
                if wanted:
                    found = engine.run([request])[0]
            request = steps.send(found)
    except StopIteration as stop:
        events: list[Event] = stop.value
        return events


def opened(
    model: eclectus.Model, engine: StreamEngine, options: StreamOptions = DEFAULTS
) -> Session:
    """Open a session in whose time nothing takes long."""
    return Session(engine, model.tokenizer, options, clock=lambda: 0.0)


def test_when_the_end_is_certain_nothing_is_left_to_compute(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    followed = follow(engine, opened(model, engine), speech(2.0))
    ends = [
        works
        for events, works in zip(followed.events, followed.works, strict=True)
        if any(isinstance(event, Endpoint) for event in events)
    ]
    assert ends == [[], []]
    assert followed.ahead() >= 2


@pytest.mark.parametrize(
    ("contexts", "pause_s", "catch_up_s"),
    [
        ((10.0, 2.0, 2.0), 0.5, None),
        ((10.0, 2.0, 2.0), 2.0, 20.0),
        ((2.0, 0.4, 0.4), 0.5, None),
        ((2.0, 0.4, 0.4), 0.5, 20.0),
        ((2.0, 0.08, 0.24), 0.5, None),
    ],
)
def test_the_same_becomes_final_with_it_and_without(
    model: eclectus.Model,
    engine: StreamEngine,
    contexts: tuple[float, float, float],
    pause_s: float,
    catch_up_s: float | None,
) -> None:
    """Who hears all at once knows what comes, and never looks ahead."""
    left, chunk, right = contexts
    live = LiveOptions(left_s=left, chunk_s=chunk, right_s=right)
    samples = speech(pause_s)
    options = StreamOptions(live=live, catch_up_s=catch_up_s)
    followed = follow(engine, opened(model, engine, options), samples)
    # Chunks that fall due all the time leave none for looking ahead.
    assert (followed.ahead() > 0) == (chunk > 0.1)
    at_once = follow(engine, opened(model, engine, StreamOptions(live=live)), samples, block=10**9)
    assert at_once.ahead() == 0
    assert followed.said() == at_once.said()
    assert any(isinstance(event, Final) for event in at_once.said())


@pytest.mark.parametrize("longest_s", [None, 6.0])
def test_what_was_found_ahead_counts_only_if_the_utterance_ends_there(
    model: eclectus.Model, engine: StreamEngine, longest_s: float | None
) -> None:
    """Somebody speaks on and is cut off, by the end of the stream or because it grew too long."""
    options = StreamOptions(endpoint=EndpointOptions(max_utterance_s=longest_s))
    samples = speech(0.5)[: -2 * RATE]
    told = [
        follow(engine, opened(model, engine, options), samples, ahead=ahead)
        for ahead in (True, False)
    ]
    assert told[0].ahead() == told[1].ahead() > 0
    assert told[0].said() == told[1].said()


def test_no_end_is_asked_for_while_somebody_speaks(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    """Even if nothing of the silence behind it belongs to the utterance."""
    options = StreamOptions(endpoint=EndpointOptions(tail_s=0.0))
    followed = follow(engine, opened(model, engine, options), speech(2.0), block=320)
    assert 2 <= followed.ahead() <= 4


def test_what_was_found_ahead_is_shown_as_a_draft(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    followed = follow(engine, opened(model, engine), speech(2.0), drafts=False)
    draft: list[str] = []
    compared = 0
    for events in followed.events:
        for event in events:
            if isinstance(event, Partial):
                draft = [word.text for word in event.words]
        if any(isinstance(event, Endpoint) for event in events):
            finals = [e for e in events if isinstance(e, Final)]
            assert [word.text for final in finals for word in final.words] == draft
            compared += bool(draft)
    assert compared == 2


def test_nobody_who_wants_no_drafts_gets_one(model: eclectus.Model, engine: StreamEngine) -> None:
    options = StreamOptions(live=LiveOptions(emit_partial=False))
    followed = follow(engine, opened(model, engine, options), speech(2.0))
    assert followed.ahead() >= 2
    assert not any(isinstance(event, Partial) for events in followed.events for event in events)


def test_an_end_that_takes_all_of_the_silence_can_not_be_known_ahead(
    model: eclectus.Model, engine: StreamEngine
) -> None:
    options = StreamOptions(endpoint=EndpointOptions(silence_s=0.4, tail_s=0.4))
    followed = follow(engine, opened(model, engine, options), speech(2.0))
    assert followed.ahead() == 0
    assert sum(isinstance(event, Endpoint) for event in followed.said()) >= 2


def test_a_full_machine_leaves_drafts_out_and_ends_in(
    model: eclectus.Model, engine: StreamEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Utilization, "share", 1.0)
    monkeypatch.setattr(WaitingLine, "overdue", lambda *_: False)  # however slow this machine is
    computed: list[Work] = []

    class Noting(StreamEngine):
        def run(self, works: Sequence[Work]) -> list[Found]:
            computed.extend(works)
            return super().run(works)

    noting = Noting(model.acoustic, StreamOptions().search)
    scheduler = StreamScheduler(noting)
    session = opened(model, noting)
    samples = speech(2.0)
    for at in range(0, len(samples), BLOCK):
        scheduler.push(session, samples[at : at + BLOCK]).result(60)
    scheduler.close()
    assert not any(isinstance(work.kind, Draft) for work in computed)
    assert any(isinstance(work.kind, Ahead) for work in computed)
