"""An eaRS listener: a connection that follows other clients' streams."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from eclectus.apps.server.common.live_driver import ClientGoneError, first_of
from eclectus.apps.server.common.socket_call import SocketLine
from eclectus.apps.server.ears.ears_hub import EarsListener, Hub, is_token
from eclectus.apps.server.ears.ears_shapes import (
    Command,
    Message,
    error_message,
    parse_command,
    to_json,
)

_TOO_SLOW = "too slow: messages were lost"
_TRY_AGAIN = 1013
_PATIENCE_S = 5.0


class ListenerConnection:
    """One listener, from its first command to its end."""

    def __init__(self, line: SocketLine, hub: Hub, tokens: Sequence[str]) -> None:
        self._line = line
        self._hub = hub
        self._tokens = tokens
        self._known = False
        self._listener = EarsListener()

    async def run(self, first: Command) -> None:
        """Answer commands and copy messages until the client is too slow.

        Raises:
            ClientGoneError: It has left.
        """
        try:
            await first_of(self._listener.left_behind(), self._read(first), self._copy())
            await self._say_why()
        finally:
            self._hub.leave(self._listener)

    async def _read(self, command: Command | None) -> None:
        while True:
            if command is not None and command.listens:
                await self._send(self._answer(command))
            received = await self._line.receive()
            command = parse_command(received) if isinstance(received, str) else None

    async def _copy(self) -> None:
        while True:
            await self._line.send(await self._listener.next())

    def _answer(self, command: Command) -> Message:
        if command.kind == "authenticate":
            self._known = is_token(command.value, self._tokens)
            if self._known:
                return {"type": "authenticated", "success": True}
            return error_message("invalid token")
        if not self._known:
            return error_message("not authenticated")
        if command.kind == "liststreams":
            return {"type": "streams", "stream_ids": self._hub.streams}
        if self._hub.subscribe(command.value, self._listener):
            return {"type": "subscribed", "stream_id": command.value}
        return error_message(f"subscription failed: Stream {command.value} not found")

    async def _say_why(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._send(error_message(_TOO_SLOW))
                await self._line.close(_TRY_AGAIN)
        except TimeoutError as error:
            raise ClientGoneError from error  # it does not even read that

    async def _send(self, message: Message) -> None:
        await self._line.send(to_json(message))
