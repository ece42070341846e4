"""The WebSocket of eaRS: on `/` and on every path that nothing else claims."""

from __future__ import annotations

import logging

from eclectus.apps.server.common.conversation import DONE, Conversation
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.apps.server.ears.ears_hub import Hub, hub_of
from eclectus.apps.server.ears.ears_listener import ListenerConnection
from eclectus.apps.server.ears.ears_session import EarsSession, TurnsListenerError, stream_options
from eclectus.apps.server.ears.ears_shapes import (
    BROKEN,
    BUSY,
    LISTENERS_OFF,
    SAMPLE_RATE,
    Command,
    error_message,
    known_extensions,
    parse_command,
    to_json,
)
from eclectus.core.errors import CapacityError

LOG = logging.getLogger(__name__)
_OTHERS = ("v1", "v2")
"""Where other protocols live. Who asks there for one that is not here, such as Deepgram's
`/v2/listen`, would be understood wrongly."""


class EarsConversation(Conversation[SocketCall]):
    """One client of eaRS. Its first message decides what it is; nothing is said before."""

    protocol = "ears"

    def __init__(self, call: SocketCall) -> None:
        path = call.socket.url.path
        if path.strip("/").partition("/")[0] in _OTHERS:
            raise HttpError(404, f"there is no WebSocket {path}", kind="not_found_error")
        self._call = call
        self._line = call.line
        self._service = call.service
        self._hub: Hub = hub_of(call.socket)
        self._tokens = call.service.settings.server.listener_tokens

    async def run(self) -> int:
        """Serve until the client leaves or is done."""
        command = await self._first_command()
        if command is None:
            command = await self._session()
        if command is not None:
            await ListenerConnection(self._line, self._hub, self._tokens).run(command)
        return DONE

    async def fail(self, error: Exception) -> None:
        """Send an error in the words that eaRS' clients know."""
        text = BROKEN
        if isinstance(error, CapacityError):
            text = str(error) if error.context.get("limit") == "closing" else BUSY
        else:
            LOG.warning("an eaRS session failed: %s", error)
        await self._line.send(to_json(error_message(text)))

    async def _first_command(self) -> Command | None:
        """Wait for what decides: a listener's command, or anything else, which is put back."""
        while True:
            received = await self._line.receive()
            command = parse_command(received) if isinstance(received, str) else None
            if command is None or not command.listens:
                self._line.put_back(received)
                return None
            if self._tokens:
                return command
            await self._line.send(to_json(error_message(LISTENERS_OFF)))

    async def _session(self) -> Command | None:
        """Serve an active session; return a listener's command if one ended it."""
        request = self._call.request(
            options=stream_options(self._service.settings.stream),
            sample_rate=SAMPLE_RATE,
            stalls=True,
        )
        asked = self._call.query.get("extensions", "").split(",")
        async with self._service.stream(request) as live:
            with self._hub.open() as stream:
                vad = self._service.settings.server.vad_messages
                session = EarsSession(self._line, live, stream, vad=vad)
                session.extend(known_extensions(asked))
                try:
                    await session.run(may_listen=bool(self._tokens))
                except TurnsListenerError as turned:
                    return turned.command
        return None
