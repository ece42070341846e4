"""The WebSocket of eaRS: on `/` and on every path that nothing else claims."""

from __future__ import annotations

import logging
from contextlib import suppress

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from starlette.types import Message as Received

from eclectus.apps.server.context import Client, Service
from eclectus.apps.server.ears_hub import Hub, hub_of
from eclectus.apps.server.ears_listener import ListenerConnection
from eclectus.apps.server.ears_session import EarsSession, stream_options
from eclectus.apps.server.ears_shapes import (
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
from eclectus.apps.server.errors import HttpError, body_of, code_of, meaning_of
from eclectus.core.errors import CapacityError, EclectusError
from eclectus.service.service import SpeechService, StreamRequest

LOG = logging.getLogger(__name__)
PROTOCOL = "ears"
_OTHERS = ("v1", "v2")
"""Where other protocols live. Who asks there for one that is not here, such as Deepgram's
`/v2/listen`, would be understood wrongly."""

router = APIRouter(tags=["eaRS"])


@router.websocket("/{path:path}")
async def ears(socket: WebSocket, path: str, service: Service, client: Client) -> None:
    """Speak eaRS. Nothing is said before the client's first message, which decides what it is."""
    if path.partition("/")[0] in _OTHERS:
        missing = HttpError(404, f"there is no WebSocket /{path}", kind="not_found_error")
        await socket.send_denial_response(JSONResponse(body_of(f"/{path}", missing), 404))
        return
    await socket.accept()
    with suppress(WebSocketDisconnect):  # it left while it was written to
        await Connection(socket, service, client).run()


class Connection:
    """One client of eaRS."""

    def __init__(self, socket: WebSocket, service: SpeechService, client: str) -> None:
        self._socket = socket
        self._service = service
        self._client = client
        self._hub: Hub = hub_of(socket)
        self._tokens = service.settings.server.listener_tokens

    async def run(self) -> None:
        """Serve until it leaves or is done."""
        first, command = await self._first_message()
        if command is None and first["type"] != "websocket.disconnect":
            command = await self._session(first)
        if command is not None:
            await ListenerConnection(self._socket, self._hub, self._tokens).run(command)

    async def _first_message(self) -> tuple[Received, Command | None]:
        """Wait for what decides: a listener's command, or anything else."""
        while True:
            received = await self._socket.receive()
            command = parse_command(received.get("text") or "")
            if command is None or not command.listens:
                return received, None
            if self._tokens:
                return received, command
            await self._socket.send_text(to_json(error_message(LISTENERS_OFF)))

    async def _session(self, first: Received) -> Command | None:
        try:
            return await self._active(first)
        except CapacityError as error:
            text = str(error) if error.context.get("limit") == "closing" else BUSY
            await self._give_up(error, text)
        except EclectusError as error:
            LOG.warning("an eaRS session failed: %s", error)
            await self._give_up(error, BROKEN)
        return None

    async def _active(self, first: Received) -> Command | None:
        request = StreamRequest(
            protocol=PROTOCOL,
            client=self._client,
            options=stream_options(self._service.settings.stream),
            sample_rate=SAMPLE_RATE,
            stall_flush_s=self._service.settings.server.stall_flush_s,
        )
        asked = self._socket.query_params.get("extensions", "").split(",")
        async with self._service.stream(request) as live:
            with self._hub.open() as stream:
                vad = self._service.settings.server.vad_messages
                session = EarsSession(self._socket, live, stream, vad=vad)
                session.extend(known_extensions(asked))
                return await session.run(first, may_listen=bool(self._tokens))

    async def _give_up(self, error: EclectusError, text: str) -> None:
        self._service.telemetry.errors.labels(code_of(error)).inc()
        await self._socket.send_text(to_json(error_message(text)))
        await self._socket.close(meaning_of(error).close)
