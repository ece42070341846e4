"""What the WebSocket protocols share: messages in, JSON out, two tasks a client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from eclectus.apps.server.errors import HttpError, error_response, meaning_of, message_of

_LONGEST_REASON = 123  # bytes; RFC 6455, 5.5.1


async def messages(socket: WebSocket) -> AsyncIterator[str | bytes]:
    """Yield texts and binary messages in order.

    Raises:
        WebSocketDisconnect: The client went away.
    """
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code") or 1005, message.get("reason"))
        text = message.get("text")
        yield text if text is not None else message["bytes"]


def parse_object(text: str | bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        HttpError: It is something else.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise HttpError(400, "the message is not JSON", code="invalid_json") from error
    if not isinstance(value, dict):
        raise HttpError(400, "the message is not a JSON object", code="invalid_json")
    return value


async def send_json(socket: WebSocket, message: Mapping[str, Any]) -> None:
    """Send a JSON message; in ASCII, because a client's own text may hold half a character."""
    await socket.send_text(json.dumps(message, separators=(",", ":")))


async def refuse(socket: WebSocket, error: Exception) -> None:
    """Answer a handshake with an error's status and body, or with a close where that can't be."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(error_response(socket, error))
    else:
        await close_for(socket, error)


async def close_for(socket: WebSocket, error: Exception) -> None:
    """Close with the code and the message of an error."""
    reason = message_of(error).encode("utf-8", "replace")[:_LONGEST_REASON]
    await socket.close(meaning_of(error).close, reason.decode("utf-8", "ignore"))


async def side_by_side(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until they end; the first failure ends them all and is raised as it is."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
