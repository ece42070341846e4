"""How the sides of a live session run together, and how a client's messages are read."""

from __future__ import annotations

import asyncio

import pytest

from eclectus.apps.server.common.live_driver import ClientGoneError, Line, all_of, first_of


class Script(Line[str]):
    """A client whose messages come in order; it leaves after the last."""

    def __init__(self, *messages: str) -> None:
        super().__init__()
        self._messages = [*messages]

    async def read(self) -> str:
        await asyncio.sleep(0)
        if not self._messages:
            raise ClientGoneError
        return self._messages.pop(0)

    async def close(self, code: int, reason: str = "") -> None:
        self._messages.clear()


async def forever() -> None:
    await asyncio.Event().wait()


async def broken() -> None:
    raise ValueError("broken")


async def nothing() -> None:
    return


def test_the_first_that_ends_ends_the_others() -> None:
    async def scene() -> None:
        await first_of(forever(), nothing())
        with pytest.raises(ValueError, match="broken"):
            await first_of(forever(), broken())
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scene())


def test_all_are_waited_for_unless_one_fails() -> None:
    ended: list[int] = []

    async def slow(number: int) -> None:
        await asyncio.sleep(0.001 * number)
        ended.append(number)

    async def scene() -> None:
        await all_of(slow(3), slow(1))
        assert ended == [1, 3]
        with pytest.raises(ValueError, match="broken"):
            await all_of(forever(), broken())
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scene())


def test_a_watched_client_is_missed_when_it_leaves() -> None:
    async def scene() -> None:
        line = Script("one", "two")
        with pytest.raises(ClientGoneError):
            await line.watch(keep=False)
        with pytest.raises(ClientGoneError):
            await Script().watch(keep=True)

    asyncio.run(scene())


def test_what_a_client_sends_while_it_is_watched_can_be_kept() -> None:
    async def scene() -> None:
        line = Script("one", "two")
        assert await line.receive() == "one"
        watching = asyncio.create_task(line.watch(keep=True))
        await asyncio.sleep(0.01)
        watching.cancel()
        assert await line.receive() == "two"
        line.put_back("three")
        assert await line.receive() == "three"
        await line.leave()

    asyncio.run(scene())
