"""A live stream for asyncio: order, back-pressure, flush, restart, stalls."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import soundfile

from eclectus.config.schema import Settings
from eclectus.core.errors import StreamClosedError
from eclectus.core.options import EndpointOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.service.live import Flushed, LiveEvent, LiveStream, Restarted
from eclectus.service.meter import LiveMeter
from eclectus.service.model_pool import ModelPool, Served
from eclectus.service.telemetry import Telemetry
from eclectus.streaming.events import Ended, Endpoint, Final, Partial
from eclectus.streaming.session import Session

DATA = Path(__file__).parents[2] / "data"
RATE = 16_000
T = TypeVar("T")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    pool = ModelPool(Settings())
    yield pool.borrow(pool.default)
    pool.close()


def clip(name: str = "garden") -> FloatArray:
    samples, rate = soundfile.read(DATA / f"{name}.flac", dtype="float32")
    assert rate == RATE
    return samples  # type: ignore[no-any-return]  # soundfile is untyped


def live(served: Served, *, endpoints: bool = True, **options: Any) -> LiveStream:
    chosen = StreamOptions(endpoint=EndpointOptions(enabled=endpoints))
    session = Session(served.engine, served.model.tokenizer, chosen)
    meter = LiveMeter(Telemetry(), sample_rate=RATE, silence_s=0.8)
    arguments: dict[str, Any] = {
        "meter": meter,
        "sample_rate": RATE,
        "max_buffered_s": 60.0,
    } | options
    return LiveStream(session, served.streams, **arguments)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 60))


async def gather(stream: LiveStream) -> list[LiveEvent]:
    return [event async for event in stream.events()]


def words(events: list[LiveEvent]) -> list[str]:
    return [word.text for event in events if isinstance(event, Final) for word in event.words]


def test_the_events_are_those_of_the_session(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        stream = live(served)
        async with asyncio.TaskGroup() as tasks:
            events = tasks.create_task(gather(stream))
            for piece in np.array_split(clip(), 17):
                await stream.push(piece)
            await stream.finish()
        return events.result()

    session = Session(served.engine, served.model.tokenizer, StreamOptions())
    expected = words([*session.push(clip()), *session.finish()])
    events = run(follow())
    assert words(events) == expected
    assert expected
    assert isinstance(events[-1], Ended)


def test_a_flush_is_answered_after_the_events_of_the_audio_before_it(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        stream = live(served, endpoints=False)
        await stream.push(clip())
        await stream.flush("first")
        await stream.flush("second")
        await stream.finish()
        return await gather(stream)

    events = [event for event in run(follow()) if not isinstance(event, Partial)]
    order = [type(event) for event in events]
    assert order.index(Final) < order.index(Endpoint) < order.index(Flushed)
    assert [event.tag for event in events if isinstance(event, Flushed)] == ["first", "second"]


def test_a_restart_forgets_what_was_heard_and_begins_at_zero(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        stream = live(served)
        await stream.push(clip())
        await stream.restart()
        await stream.push(np.zeros(RATE, np.float32))
        await stream.finish()
        return await gather(stream)

    events = run(follow())
    assert isinstance(events[0], Restarted)
    assert words(events) == []
    assert events[-1] == Ended(1.0)


def test_a_client_that_is_far_ahead_waits_for_the_model(served: Served) -> None:
    async def follow() -> tuple[bool, list[LiveEvent]]:
        stream = live(served, max_buffered_s=1.0)
        silence = np.zeros(RATE, np.float32)
        await stream.push(silence)
        waiting = asyncio.create_task(stream.push(silence))
        await asyncio.sleep(0.05)
        waited = not waiting.done()
        await stream.finish()
        events = await gather(stream)
        with pytest.raises(StreamClosedError):
            await waiting
        return waited, events

    waited, events = run(follow())
    assert waited
    assert events == [Ended(1.0)]


def test_words_held_back_are_shown_when_the_audio_stalls(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        stream = live(served, endpoints=False, stall_flush_s=0.05)
        seen: list[LiveEvent] = []
        async with asyncio.TaskGroup() as tasks:
            await stream.push(clip())

            async def watch() -> None:
                async for event in stream.events():
                    seen.append(event)
                    if isinstance(event, Endpoint):
                        await stream.finish()

            tasks.create_task(watch())
        return seen

    events = run(follow())
    assert any(isinstance(event, Endpoint) for event in events)
    assert not any(isinstance(event, Flushed) for event in events)


def test_a_network_that_stumbles_within_speech_does_not_end_the_utterance(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        stream = live(served, stall_flush_s=0.4)
        seen: list[LiveEvent] = []

        async def watch() -> None:
            seen.extend([event async for event in stream.events()])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(watch())
            await stream.push(clip()[: 2 * RATE])
            await asyncio.sleep(0.7)
            await stream.push(clip()[2 * RATE :])
            await stream.finish()
        return seen

    assert len([event for event in run(follow()) if isinstance(event, Endpoint)]) == 1


def test_samples_that_are_no_numbers_count_as_silence(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        stream = live(served)
        await stream.push(np.array([np.nan, np.inf, -np.inf, 5.0] * 4000, np.float32))
        await stream.push(np.zeros(0, np.float32))
        await stream.finish()
        return await gather(stream)

    assert run(follow())[-1] == Ended(1.0)


def test_after_the_end_nothing_is_taken(served: Served) -> None:
    async def follow() -> None:
        stream = live(served)
        await stream.finish()
        await stream.finish()
        for late in (stream.push(np.zeros(8, np.float32)), stream.flush(), stream.restart()):
            with pytest.raises(StreamClosedError):
                await late

    run(follow())


def test_a_stream_that_nobody_follows_any_more_leaves_the_others_alone(served: Served) -> None:
    async def follow() -> list[LiveEvent]:
        gone = live(served)
        await gone.push(clip())
        task = asyncio.create_task(gather(gone))
        await asyncio.sleep(0.01)
        task.cancel()
        other = live(served)
        await other.push(clip())
        await other.finish()
        return await gather(other)

    assert words(run(follow()))
