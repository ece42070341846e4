"""An eaRS listener: a connection that follows other clients' streams."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from eclectus.apps.server.ears_hub import Hub, Listener, is_token
from eclectus.apps.server.ears_shapes import (
    Command,
    Message,
    error_message,
    parse_command,
    to_json,
)
from eclectus.apps.server.live_socket import until_either_ends

_TOO_SLOW = "too slow: messages were lost"
_TRY_AGAIN = 1013
_PATIENCE_S = 5.0


class ListenerConnection:
    """One listener, from its first command to its end."""

    def __init__(self, socket: WebSocket, hub: Hub, tokens: Sequence[str]) -> None:
        self._socket = socket
        self._hub = hub
        self._tokens = tokens
        self._known = False
        self._listener = Listener()

    async def run(self, first: Command) -> None:
        """Answer commands and copy messages until the client leaves or is too slow."""
        try:
            await until_either_ends(self._read(first), self._copy(), self._listener.left_behind())
            if self._listener.is_too_slow:
                await self._say_why()
        finally:
            self._hub.leave(self._listener)

    async def _read(self, command: Command | None) -> None:
        while True:
            if command is not None and command.listens:
                await self._send(self._answer(command))
            received = await self._socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            text = received.get("text")
            command = parse_command(text) if text is not None else None

    async def _copy(self) -> None:
        while True:
            await self._socket.send_text(await self._listener.next())

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
                await self._socket.close(_TRY_AGAIN)
        except (TimeoutError, WebSocketDisconnect):
            return  # it does not even read that

    async def _send(self, message: Message) -> None:
        await self._socket.send_text(to_json(message))
