"""Files followed from the event loop."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import pytest

from eclectus.config.schema import Settings
from eclectus.core.errors import UndecodableAudioError
from eclectus.core.options import BackendOptions, LongFormOptions, TranscribeOptions
from eclectus.core.types import Progress, Word
from eclectus.service.async_bridge import ClientGoneError, FileTask, unless_gone
from eclectus.service.service import FileRequest, SpeechService
from tests.support.clips import samples

SHORT = TranscribeOptions(long_form=LongFormOptions(window_s=3.0, overlap_s=1.0))
REQUEST = FileRequest(source=samples("garden"), options=SHORT)


@asynccontextmanager
async def running() -> AsyncIterator[SpeechService]:
    service = SpeechService(Settings(backend=BackendOptions(threads=1)))
    await service.start()
    try:
        yield service
    finally:
        await service.close()


def play(scene: Callable[[SpeechService], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with running() as service:
            await scene(service)
            assert service.files == 0

    asyncio.run(all_of_it())


def test_words_come_once_and_are_those_of_the_transcript() -> None:
    async def scene(service: SpeechService) -> None:
        async with aclosing(FileTask(service, REQUEST, progress=True, words=True)) as task:
            assert await task.started()
            updates = [update async for update in task.updates()]
            transcript = await task.transcript()
        words: list[Word] = []
        for update in updates:
            words += update if isinstance(update, tuple) else ()
        assert words == list(transcript.words)
        done = [update.done_s for update in updates if isinstance(update, Progress)]
        assert done == sorted(done)
        assert done[-1] == transcript.duration

    play(scene)


def test_what_was_not_asked_for_is_not_reported() -> None:
    async def scene(service: SpeechService) -> None:
        async with aclosing(FileTask(service, REQUEST)) as task:
            assert [update async for update in task.updates()] == []
            assert (await task.transcript()).text

    play(scene)


def test_a_slow_follower_finds_the_last_progress_and_all_words() -> None:
    async def scene(service: SpeechService) -> None:
        for kind in ("progress", "words"):
            async with aclosing(FileTask(service, REQUEST, **{kind: True})) as task:
                transcript = await task.transcript()
                (update,) = [one async for one in task.updates()]
                if isinstance(update, Progress):
                    assert update.done_s == transcript.duration
                else:
                    assert update == transcript.words

    play(scene)


def test_silence_is_reported_where_it_is_asked_for() -> None:
    async def scene(service: SpeechService) -> None:
        async with aclosing(FileTask(service, REQUEST, progress=True)) as task:
            updates = [update async for update in task.updates(quiet_s=0.001)]
        assert None in updates
        assert any(isinstance(update, Progress) for update in updates)

    play(scene)


def test_an_error_is_raised_where_it_is_waited_for_and_ends_the_updates() -> None:
    async def scene(service: SpeechService) -> None:
        request = replace(REQUEST, source=io.BytesIO(b"no audio at all"))
        async with aclosing(FileTask(service, request, words=True)) as task:
            with pytest.raises(UndecodableAudioError):
                await task.started()
            assert [update async for update in task.updates()] == []
            with pytest.raises(UndecodableAudioError):
                await task.transcript()

    play(scene)


def test_closing_cancels_the_work() -> None:
    async def scene(service: SpeechService) -> None:
        task = FileTask(service, replace(REQUEST, source=samples("garden").repeat(20)))
        assert not await task.started(0.01)
        await task.aclose()
        with pytest.raises(asyncio.CancelledError):
            await task.transcript()

    play(scene)


def test_work_ends_when_its_client_leaves() -> None:
    async def scene(service: SpeechService) -> None:
        async def leaving() -> None:
            while not service.files:
                await asyncio.sleep(0)

        with pytest.raises(ClientGoneError):
            await unless_gone(service.transcribe(REQUEST), leaving())

    play(scene)


def test_a_client_that_stays_has_the_result_and_the_errors() -> None:
    async def scene(service: SpeechService) -> None:
        async def staying() -> None:
            await asyncio.Event().wait()

        assert (await unless_gone(service.transcribe(REQUEST), staying())).text
        broken = replace(REQUEST, source=io.BytesIO(b"no audio at all"))
        with pytest.raises(UndecodableAudioError):
            await unless_gone(service.transcribe(broken), staying())
        assert len(asyncio.all_tasks()) == 3  # this one, and the service's two watchers

    play(scene)
