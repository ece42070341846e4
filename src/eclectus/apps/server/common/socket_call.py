"""A WebSocket: its messages, and the client behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from eclectus.apps.server.common.auth import admit
from eclectus.apps.server.common.conversation import Call
from eclectus.apps.server.common.live_driver import ClientGoneError, Line
from eclectus.service.service import SpeechService


class SocketLine(Line[str | bytes]):
    """A WebSocket as a line."""

    def __init__(self, socket: WebSocket) -> None:
        super().__init__()
        self._socket = socket

    async def read(self) -> str | bytes:
        """Return the next text or binary message.

        Raises:
            ClientGoneError: The client has left.
        """
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise ClientGoneError
        text: str | None = message.get("text")
        return text if text is not None else message["bytes"]

    async def send(self, message: str | Mapping[str, Any]) -> None:
        """Send a text, or an object as JSON.

        JSON is in ASCII, because a client's own text may hold half a character.

        Raises:
            ClientGoneError: The client has left.
        """
        if not isinstance(message, str):
            message = json.dumps(message, separators=(",", ":"))
        try:
            await self._socket.send_text(message)
        except (WebSocketDisconnect, RuntimeError) as error:
            self._require_closed(error)

    async def close(self, code: int, reason: str = "") -> None:
        """Close, unless that is done.

        Raises:
            ClientGoneError: The client has left.
        """
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError) as error:
            self._require_closed(error)

    def _require_closed(self, error: Exception) -> None:
        """Starlette raises a bare RuntimeError where a message follows the end."""
        closed = WebSocketState.DISCONNECTED
        ends = (self._socket.client_state, self._socket.application_state)
        if isinstance(error, RuntimeError) and closed not in ends:
            raise error
        raise ClientGoneError from error


class SocketCall(Call):
    """A client on a WebSocket."""

    def __init__(self, socket: WebSocket, service: SpeechService, protocol: str) -> None:
        super().__init__(service, protocol)
        self.socket = socket
        self.line = SocketLine(socket)

    @property
    def query(self) -> QueryParams:
        """Of the address."""
        return self.socket.query_params

    @property
    def offered(self) -> list[str]:
        """The subprotocols that the client speaks."""
        return list(self.socket.scope.get("subprotocols") or ())

    def admit(self, key: str | None = None, *, checked: bool = True) -> None:
        """Let the client in.

        Args:
            key: That of a message; None for that of the handshake.
            checked: Whether the server's keys count on this wire.

        Raises:
            HttpError: 401, the key is missing or wrong.
        """
        keys = self.service.settings.server.api_keys if checked else ()
        self.client = admit(_with_key(self.socket, key), keys)


def _with_key(socket: WebSocket, key: str | None) -> HTTPConnection:
    if key is None:
        return socket
    header = (b"authorization", b"Bearer " + key.encode())
    return HTTPConnection({**socket.scope, "headers": [header, *socket.scope["headers"]]})
