"""Both directions of a WebSocket at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator

from starlette.websockets import WebSocketDisconnect


async def until_either_ends(*sides: Coroutine[object, object, object]) -> None:
    """Run coroutines together; when the first of them ends, cancel the others.

    A client that leaves while it is written to is no error.

    Raises:
        Exception: What a side raised, the first of them if there are several.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(side) for side in sides]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
    except ExceptionGroup as failed:
        for error in _leaves(failed):
            if not isinstance(error, WebSocketDisconnect):
                raise error from failed


def _leaves(group: ExceptionGroup[Exception]) -> Iterator[Exception]:
    for inner in group.exceptions:
        if isinstance(inner, ExceptionGroup):
            yield from _leaves(inner)
        else:
            yield inner
