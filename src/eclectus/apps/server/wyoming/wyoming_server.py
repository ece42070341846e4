"""The Wyoming protocol of Home Assistant and Rhasspy: a TCP listener of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from eclectus._version import __version__
from eclectus.apps.server.common.conversation import DONE, Call, Conversation, Keys
from eclectus.apps.server.common.live_driver import ClientGoneError, Line, drive
from eclectus.apps.server.common.live_runner import let_in_unkeyed, speak
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.samples import Encoding, SampleReader
from eclectus.apps.server.common.wire_errors import HttpError, code_of, message_of
from eclectus.apps.server.wyoming.wyoming_frames import (
    LONGEST_LINE,
    Message,
    read_message,
    write_message,
)
from eclectus.core.languages import ENGLISH
from eclectus.models.catalog import BUILTIN_NAME, find
from eclectus.service.live import LiveEvent, LiveStream
from eclectus.service.service import SpeechService
from eclectus.streaming.events import Final

LOG = logging.getLogger(__name__)
_WIDTHS = {1: Encoding.PCM8, 2: Encoding.PCM16, 3: Encoding.PCM24, 4: Encoding.PCM32}
_PATIENCE_S = 300.0
"""A client that says nothing for so long is gone: TCP alone would never tell."""
_SITE = {"name": "eclectus", "url": "https://pypi.org/project/eclectus/"}
_NVIDIA = {"name": "NVIDIA", "url": "https://huggingface.co/nvidia"}


class WyomingServer:
    """Serves all clients of one listening socket."""

    def __init__(self, service: SpeechService, *, patience_s: float = _PATIENCE_S) -> None:
        """Prepare.

        Args:
            service: What recognises.
            patience_s: How long a client may be silent before it is sent away.
        """
        self._service = service
        self._patience_s = patience_s
        self._clients: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serve for as long as the context lasts; at its end the connections are closed."""
        server = await asyncio.start_server(self._serve, sock=listener, limit=LONGEST_LINE)
        try:
            yield
        finally:
            server.close()
            for task in self._clients:
                task.cancel()
            await asyncio.gather(*self._clients, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        call = WyomingCall(self._service, WyomingLine(reader, writer, self._patience_s))
        address = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            let_in_unkeyed(call, WyomingConversation, address)
            await speak(call.line, WyomingConversation(call), self._service)
        except asyncio.CancelledError:
            LOG.debug("a Wyoming connection is closed: the server ends")
        finally:
            self._clients.discard(task)
            writer.close()


class WyomingLine(Line[Message]):
    """A TCP connection as a line."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience_s: float
    ) -> None:
        super().__init__()
        self._reader = reader
        self._writer = writer
        self._patience_s = patience_s

    async def read(self) -> Message:
        """Return the next message.

        Raises:
            ClientGoneError: The client has left.
            HttpError: What it sends is no message.
        """
        try:
            message = await read_message(self._reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise ClientGoneError from error
        if message is None:
            raise ClientGoneError
        return message

    async def receive(self) -> Message:
        """Return the next message, unless none comes for too long."""
        try:
            async with asyncio.timeout(self._patience_s):
                return await super().receive()
        except TimeoutError as error:
            raise ClientGoneError from error

    async def send(self, kind: str, **data: Any) -> None:
        """Send a message.

        Raises:
            ClientGoneError: The client has left.
        """
        try:
            self._writer.write(write_message(Message(kind, data)))
            await self._writer.drain()
        except OSError as error:
            raise ClientGoneError from error

    async def close(self, code: int, reason: str = "") -> None:  # noqa: ARG002 - TCP has neither
        """Close the connection, without a word of why."""
        self._writer.close()


class WyomingCall(Call):
    """A client on a TCP connection."""

    def __init__(self, service: SpeechService, line: WyomingLine) -> None:
        super().__init__(service, WyomingConversation.protocol)
        self.line = line


class WyomingConversation(Conversation[WyomingCall]):
    """One client, with one request after another."""

    protocol = "wyoming"
    keys = Keys.NONE  # Home Assistant has no field for one

    def __init__(self, call: WyomingCall) -> None:
        self._call = call
        self._line = call.line
        self._service = call.service
        self._model: str | None = None
        self._language: str | None = None

    async def run(self) -> int:
        """Serve until the client goes away or the server ends."""
        while True:
            message = await self._line.receive()
            if message.kind == "transcribe":
                self._model = resolve_model(message.text("name"), self._service)
                self._language = message.text("language")
            elif message.kind == "audio-start":
                if not await self._transcribe(message):
                    return DONE
            else:
                await self._answer(message)

    async def fail(self, error: Exception) -> None:
        """Send an error."""
        await self._line.send("error", text=message_of(error), code=code_of(error))

    async def _transcribe(self, start: Message) -> bool:
        """Follow the audio up to its end, telling words as they become final.

        Returns:
            Whether the client has ended it, and not the server.
        """
        rate, reader = _audio_of(start)
        options = self._service.settings.stream
        request = self._call.request(
            model=self._model,
            options=replace(options, live=replace(options.live, emit_partial=False)),
            language=self._language,
            sample_rate=rate,
        )
        said: list[str] = []
        spoken = {"language": self._language} if self._language else {}
        async with self._service.stream(request) as live:

            async def hear(message: Message) -> bool:
                return await self._hear(message, live, reader)

            async def tell(_: int, batch: list[LiveEvent]) -> None:
                for event in batch:
                    if isinstance(event, Final):
                        text = f" {event.text}" if said else event.text
                        await self._line.send("transcript-chunk", text=text)
                        said.append(event.text)

            await self._line.send("transcript-start", **spoken)
            finished = await drive(self._line, [live], hear, tell, goes_on=True)
            await self._line.send("transcript", text=" ".join(said), **spoken)
            await self._line.send("transcript-stop")
        return finished

    async def _hear(self, message: Message, live: LiveStream, reader: SampleReader) -> bool:
        """Take a message between start and stop; return whether the audio goes on."""
        if message.kind == "audio-chunk":
            # The format may be told with each piece; it may not change.
            if message.data and _audio_of(message)[0] != live.sample_rate:
                raise HttpError(400, "the rate of the audio has changed", param="rate")
            await live.push(reader.read_mono(message.payload))
        elif message.kind != "audio-stop":
            await self._answer(message)
        return message.kind != "audio-stop"

    async def _answer(self, message: Message) -> None:
        """Answer what may be asked at any time; what is unknown is none of our business."""
        if message.kind == "describe":
            await self._line.send("info", **_info(self._service))
        elif message.kind == "ping":
            text = message.text("text")
            await self._line.send("pong", **({"text": text} if text else {}))


def _audio_of(message: Message) -> tuple[int, SampleReader]:
    """Return the rate that a message tells, and a reader of its audio."""
    rate = message.integer("rate", 8_000, 192_000)
    width = message.integer("width", 1, 4)
    return rate, SampleReader(_WIDTHS[width], message.integer("channels", 1, 32))


def _info(service: SpeechService) -> dict[str, Any]:
    loaded = {served.name: served.model.config.languages for served in service.pool.loaded}
    program = {
        "name": "eclectus",
        "attribution": _SITE,
        "installed": True,
        "description": "Speech recognition with Parakeet models",
        "version": __version__,
        "models": [_model(name, loaded.get(name, ())) for name in service.pool.names],
        "supports_transcript_streaming": True,
        "requires_external_vad": True,
    }
    others = ("tts", "handle", "intent", "wake", "mic", "snd")
    return {"asr": [program], **{kind: [] for kind in others}}


def _model(name: str, languages: Sequence[str]) -> dict[str, Any]:
    entry = find(name)
    if not languages:
        languages = ENGLISH if entry is None else entry.languages
    own = entry is None or entry.name == BUILTIN_NAME
    return {
        "name": name,
        "attribution": _SITE if own else _NVIDIA,
        "installed": True,
        "description": name,
        "version": None,
        "languages": list(languages),
    }
