"""A model that takes long to load holds up nobody else, and nobody keeps it who has left."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from eclectus.config.schema import Settings
from eclectus.service.service import SpeechService, StreamRequest


def test_a_caller_that_leaves_while_a_model_loads_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play() -> None:
        service = SpeechService(Settings())
        await service.start()
        borrow, loaded, lent = service.pool.borrow, threading.Event(), threading.Event()

        def slow(name: str) -> object:
            loaded.wait(20)
            served = borrow(name)
            lent.set()
            return served

        monkeypatch.setattr(service.pool, "borrow", slow)
        (served,) = service.pool.loaded
        try:
            opening = asyncio.create_task(service.model().__aenter__())
            await asyncio.sleep(0.05)
            opening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await opening
            loaded.set()
            while not lent.is_set() or served.users:
                await asyncio.sleep(0.005)
        finally:
            loaded.set()
            await service.close()

    asyncio.run(asyncio.wait_for(play(), 60))


def test_a_stream_that_opens_while_the_server_ends_is_ended_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play() -> None:
        service = SpeechService(Settings())
        await service.start()
        borrow = service.pool.borrow

        def slow(name: str) -> object:
            time.sleep(0.5)
            return borrow(name)

        monkeypatch.setattr(service.pool, "borrow", slow)

        async def client() -> None:
            async with service.stream(StreamRequest(protocol="test")) as live:
                async for _ in live.events():
                    pass

        try:
            talking = asyncio.create_task(client())
            await asyncio.sleep(0.05)
            assert await service.drain(0.4) in (True, False)
            await talking  # it was dismissed: nothing else would end it
            assert service.sessions == 0
        finally:
            await service.close()

    asyncio.run(asyncio.wait_for(play(), 60))


def test_many_who_wait_leave_threads_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        service = SpeechService(Settings())
        await service.start()
        free = threading.Event()
        waiting = [asyncio.create_task(asyncio.to_thread(free.wait, 20)) for _ in range(40)]
        try:
            assert await asyncio.wait_for(asyncio.to_thread(int, "5"), 10) == 5
        finally:
            free.set()
            await asyncio.gather(*waiting)
            await service.close()

    asyncio.run(asyncio.wait_for(play(), 60))
