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
from eclectus.apps.server.errors import HttpError, code_of, message_of
from eclectus.apps.server.live_socket import side_by_side
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.samples import Encoding, SampleReader
from eclectus.apps.server.wyoming_wire import LONGEST_LINE, Message, read_message, write_message
from eclectus.core.errors import EclectusError
from eclectus.core.languages import ENGLISH
from eclectus.models.catalog import BUILTIN_NAME, find
from eclectus.service.live import LiveStream
from eclectus.service.service import SpeechService, StreamRequest
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
        try:
            await _Connection(self._service, reader, writer, self._patience_s).run()
        except (OSError, asyncio.IncompleteReadError, TimeoutError, asyncio.CancelledError):
            LOG.debug("a Wyoming client went away")
        finally:
            self._clients.discard(task)
            writer.close()


class _Connection:
    """One client, with one request after another."""

    def __init__(
        self,
        service: SpeechService,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        patience_s: float,
    ) -> None:
        self._service = service
        self._reader = reader
        self._writer = writer
        self._patience_s = patience_s
        self._client = str((writer.get_extra_info("peername") or ("",))[0])
        self._model: str | None = None
        self._language: str | None = None

    async def run(self) -> None:
        """Serve until the client goes away or says what can't be understood."""
        try:
            while (message := await self._next()) is not None:
                if message.kind == "transcribe":
                    self._model = resolve_model(message.text("name"), self._service)
                    self._language = message.text("language")
                elif message.kind == "audio-start":
                    await self._transcribe(message)
                else:
                    await self._answer(message)
        except EclectusError as error:
            self._service.telemetry.errors.labels(error.code).inc()
            await self._send("error", text=message_of(error), code=code_of(error))

    async def _transcribe(self, start: Message) -> None:
        """Follow the audio up to its end, telling words as they become final."""
        rate, reader = _audio_of(start)
        options = self._service.settings.stream
        request = StreamRequest(
            protocol="wyoming",
            model=self._model,
            client=self._client,
            options=replace(options, live=replace(options.live, emit_partial=False)),
            language=self._language,
            sample_rate=rate,
        )
        said: list[str] = []
        async with self._service.stream(request) as live:
            spoken = {"language": self._language} if self._language else {}
            await self._send("transcript-start", **spoken)
            await side_by_side(self._listen(live, reader), self._follow(live, said))
        await self._send("transcript", text=" ".join(said), **spoken)
        await self._send("transcript-stop")

    async def _listen(self, live: LiveStream, reader: SampleReader) -> None:
        while (message := await self._next()) is not None:
            if message.kind == "audio-chunk":
                # The format may be told with each piece; it may not change.
                if message.data and _audio_of(message)[0] != live.sample_rate:
                    raise HttpError(400, "the rate of the audio has changed", param="rate")
                await live.push(reader.read_mono(message.payload))
            elif message.kind == "audio-stop":
                await live.finish()
                return
            else:
                await self._answer(message)
        raise asyncio.IncompleteReadError(b"", None)

    async def _follow(self, live: LiveStream, said: list[str]) -> None:
        async for event in live.events():
            if isinstance(event, Final):
                await self._send("transcript-chunk", text=f" {event.text}" if said else event.text)
                said.append(event.text)

    async def _answer(self, message: Message) -> None:
        """Answer what may be asked at any time; what is unknown is none of our business."""
        if message.kind == "describe":
            await self._send("info", **_info(self._service))
        elif message.kind == "ping":
            text = message.text("text")
            await self._send("pong", **({"text": text} if text else {}))

    async def _next(self) -> Message | None:
        async with asyncio.timeout(self._patience_s):
            return await read_message(self._reader)

    async def _send(self, kind: str, **data: Any) -> None:
        self._writer.write(write_message(Message(kind, data)))
        await self._writer.drain()


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
