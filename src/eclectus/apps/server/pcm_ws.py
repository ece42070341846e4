"""`/ws` of the FastAPI services: samples in, `{"text", "is_final"}` out."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect

from eclectus.apps.server.context import PageClient, Service
from eclectus.apps.server.errors import code_of, meaning_of, message_of
from eclectus.apps.server.live_socket import until_either_ends
from eclectus.apps.server.samples import Encoding, SampleReader
from eclectus.core.errors import EclectusError, OptionError
from eclectus.service.live import LiveEvent, LiveStream
from eclectus.service.service import StreamRequest
from eclectus.streaming.events import Ended, Endpoint, Final, Partial

PROTOCOL = "pcm"
_ENCODINGS = {
    "s16le": Encoding.PCM16,
    "pcm_s16le": Encoding.PCM16,
    "linear16": Encoding.PCM16,
    "int16": Encoding.PCM16,
    "f32le": Encoding.FLOAT32,
    "pcm_f32le": Encoding.FLOAT32,
    "float32": Encoding.FLOAT32,
}
_STOP = "stop"
_LONGEST_TEXT = 1 << 12
_RATES = (1_000, 384_000)
_DONE = 1000

router = APIRouter(tags=["FastAPI services"])


@router.websocket("/ws")
async def ws(
    socket: WebSocket,
    service: Service,
    client: PageClient,
    sample_rate: Annotated[str, Query()] = "16000",
    encoding: Annotated[str, Query()] = "s16le",
) -> None:
    """Take raw mono samples, tell the open utterance as it grows and each utterance at its end."""
    await socket.accept()
    with suppress(WebSocketDisconnect):  # it left while it was written to
        try:
            samples = SampleReader(_encoding(encoding))
            request = StreamRequest(
                protocol=PROTOCOL,
                client=client,
                sample_rate=_rate(sample_rate),
                stall_flush_s=service.settings.server.stall_flush_s,
            )
            async with service.stream(request) as live:
                await PcmSession(socket, live, samples).run()
        except EclectusError as error:
            service.telemetry.errors.labels(code_of(error)).inc()
            await socket.send_json({"error": message_of(error)})
            await socket.close(meaning_of(error).close)


def _rate(text: str) -> int:
    low, high = _RATES
    if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
        raise OptionError(f"sample_rate is a whole number from {low} to {high} Hz, not {text!r}")
    return int(text)


def _encoding(name: str) -> Encoding:
    if name.lower() not in _ENCODINGS:
        raise OptionError(f"encoding is one of {', '.join(_ENCODINGS)}, not {name!r}")
    return _ENCODINGS[name.lower()]


class PcmSession:
    """One client of `/ws`."""

    def __init__(self, socket: WebSocket, live: LiveStream, samples: SampleReader) -> None:
        self._socket = socket
        self._live = live
        self._samples = samples
        self._final: list[str] = []
        self._told = ""
        self._stopped = False
        self._answered = False

    async def run(self) -> None:
        """Serve until `stop` is answered or the client leaves."""
        await until_either_ends(self._read(), self._write())

    async def _read(self) -> None:
        while (received := await self._socket.receive())["type"] != "websocket.disconnect":
            if self._stopped:
                continue
            if (piece := received.get("bytes")) is not None:
                await self._live.push(self._samples.read_mono(piece))
            elif is_stop(received.get("text") or ""):
                self._stopped = True
                await self._live.finish()

    async def _write(self) -> None:
        async for event in self._live.events():
            await self._tell(event)

    async def _tell(self, event: LiveEvent) -> None:
        if isinstance(event, Final):
            self._final.append(event.text)
            await self._show(" ".join(self._final))
        elif isinstance(event, Partial):
            await self._show(" ".join(filter(None, [*self._final, event.text])))
        elif isinstance(event, Endpoint):
            await self._end_utterance()
        elif isinstance(event, Ended):
            # Whoever says stop waits for a last final, though there is nothing left to say.
            if not self._answered:
                await self._socket.send_json({"text": "", "is_final": True})
            await self._socket.close(_DONE)

    async def _show(self, text: str) -> None:
        if text != self._told:
            self._told = text
            await self._socket.send_json({"text": text, "is_final": False})

    async def _end_utterance(self) -> None:
        text, self._told = " ".join(self._final), ""
        self._final.clear()
        if text:
            self._answered = self._stopped
            await self._socket.send_json({"text": text, "is_final": True})


def is_stop(text: str) -> bool:
    """Whether a text message ends the stream: `stop` or `{"type": "stop"}`."""
    if len(text) > _LONGEST_TEXT:
        return False
    if text.strip().lower() == _STOP:
        return True
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(message, dict) and str(message.get("type")).lower() == _STOP
