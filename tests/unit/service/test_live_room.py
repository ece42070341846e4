"""A client that sends more than the model can take is held up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from eclectus.config.schema import Settings
from eclectus.service.live import Flushed, LiveStream
from eclectus.service.service import SpeechService, StreamRequest


@pytest.mark.parametrize(
    ("send", "flushes"),
    [
        (lambda live: live.push(np.zeros(1, np.float32)), 0),
        (lambda live: live.flush(), 50),
    ],
)
def test_tiny_pieces_and_orders_wait_for_room(
    monkeypatch: pytest.MonkeyPatch, send: Callable[[LiveStream], Awaitable[None]], flushes: int
) -> None:
    monkeypatch.setattr("eclectus.service.live._MOST_ORDERS", 10)

    async def flood(live: LiveStream, sent: list[int]) -> None:
        for number in range(50):
            await send(live)
            sent.append(number)
        await live.finish()

    async def play() -> None:
        service = SpeechService(Settings())
        await service.start()
        try:
            async with service.stream(StreamRequest(protocol="test")) as live:
                sent: list[int] = []
                flooding = asyncio.create_task(flood(live, sent))
                for _ in range(500):
                    await asyncio.sleep(0)
                assert len(sent) == 10
                events = [event async for event in live.events()]
                await flooding
                assert len(sent) == 50
                assert sum(isinstance(event, Flushed) for event in events) == flushes
        finally:
            await service.close()

    asyncio.run(play())
