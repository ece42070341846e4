"""An active eaRS session: audio in, words out, `final` at the end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from fastapi import WebSocket
from starlette.types import Message as Received

from eclectus.apps.server.ears_hub import Stream
from eclectus.apps.server.ears_shapes import (
    LISTENERS_OFF,
    Command,
    Message,
    SessionWords,
    engine_message,
    engine_replies,
    error_message,
    known_extensions,
    language_message,
    parse_audio,
    parse_command,
    segment_message,
    status_message,
    to_json,
    word_message,
)
from eclectus.apps.server.live_socket import until_either_ends
from eclectus.core.options import LiveOptions, StreamOptions
from eclectus.core.types import Word
from eclectus.service.live import LiveEvent, LiveStream, Restarted
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    EndpointReason,
    Final,
    LanguageDetected,
    SegmentDone,
)

CHUNK_S = 0.8
RIGHT_S = 1.2
CATCH_UP_S = 20.0
_DONE = 1000


def stream_options(options: StreamOptions) -> StreamOptions:
    """Return a server's options, made for clients that show final words only.

    Words come after 1.2 to 2 s, or at a pause, where the defaults would take 2 to 4 s; what the
    server's operator chose stays. Nobody sees drafts, so none are computed. Audio that waits, such
    as a file that is pushed all at once, is taken in long chunks.
    """
    live, default = options.live, LiveOptions()
    return replace(
        options,
        live=replace(
            live,
            chunk_s=CHUNK_S if live.chunk_s == default.chunk_s else live.chunk_s,
            right_s=RIGHT_S if live.right_s == default.right_s else live.right_s,
            emit_partial=False,
        ),
        catch_up_s=CATCH_UP_S,
    )


class EarsSession:
    """One active session from its first message to its end."""

    def __init__(
        self,
        socket: WebSocket,
        live: LiveStream,
        stream: Stream,
        *,
        vad: bool,
    ) -> None:
        """Prepare a session.

        Args:
            socket: Accepted.
            live: The stream that recognises.
            stream: What listeners follow.
            vad: Whether pauses are told.
        """
        self._socket = socket
        self._live = live
        self._stream = stream
        self._vad = vad
        self._words = SessionWords()
        self._language: tuple[str, float] | None = None
        self._told_language: str | None = None
        self._extensions: frozenset[str] = frozenset()
        self._restarted = asyncio.Event()
        self._heard = False
        self._listener_command: Command | None = None
        self._may_listen = False

    def extend(self, names: frozenset[str]) -> None:
        """Tell what the client asked for beyond eaRS from now on."""
        self._extensions = names

    async def run(self, first: Received, *, may_listen: bool) -> Command | None:
        """Serve the session until `stop` is answered or the client leaves.

        Args:
            first: The message that opened the session.
            may_listen: Whether a listener's command before the first audio ends the session.

        Returns:
            That command, if there was one.
        """
        await self._send(engine_message())
        self._may_listen = may_listen
        await until_either_ends(self._read(first), self._write())
        return self._listener_command

    # From the client

    async def _read(self, received: Received) -> None:
        stopped = False
        while received["type"] != "websocket.disconnect":
            if not stopped:
                stopped = await self._take(received)
            if self._listener_command is not None:
                return
            received = await self._socket.receive()

    async def _take(self, received: Received) -> bool:
        """Handle one message; True if it was `stop`, after which nothing counts any more."""
        if (frame := received.get("bytes")) is not None:
            await self._hear(frame)
            return False
        command = parse_command(received.get("text") or "")
        if command is None:
            return False
        if command.kind == "stop":
            await self._live.finish()
            return True
        if command.listens:
            await self._maybe_listen(command)
        elif command.kind == "restart":
            # Whoever restarts does not want what is on its way: nothing is read until it is gone.
            self._restarted.clear()
            await self._live.restart()
            await self._restarted.wait()
        else:
            await self._obey(command)
        return False

    async def _maybe_listen(self, command: Command) -> None:
        """Before the first audio, a client may still turn out to be a listener."""
        if self._heard:
            return
        if self._may_listen:
            self._listener_command = command
        else:
            await self._send(error_message(LISTENERS_OFF))

    async def _hear(self, frame: bytes) -> None:
        samples = parse_audio(frame)
        self._heard = self._heard or len(samples) > 0
        await self._live.push(samples)

    async def _obey(self, command: Command) -> None:
        """Follow what changes nothing in the stream."""
        if command.kind == "setengine":
            for reply in engine_replies(command.value):
                await self._send(reply)
        elif command.kind == "getstatus":
            await self._send(status_message(vad=self._vad))
        elif command.kind == "setlanguage":
            # The status shows no language, as eaRS' with a Parakeet model.
            self._live.hint(command.value)
            await self._send(status_message(vad=self._vad))
        elif command.kind == "configure":
            self._extensions = known_extensions(command.value)
            await self._send({"type": "configured", "extensions": sorted(self._extensions)})

    # To the client

    async def _write(self) -> None:
        async for event in self._live.events():
            await self._tell(event)

    async def _tell(self, event: LiveEvent) -> None:
        if isinstance(event, Final):
            for word in event.words:
                await self._tell_word(word)
            if event.words and len(self._live.languages) == 1:
                self._language = self._live.languages[0], 1.0
            await self._tell_language()
        elif isinstance(event, LanguageDetected):
            self._language = event.language, event.confidence
            await self._tell_language()
        elif isinstance(event, Endpoint):
            await self._tell_endpoint(event)
        elif isinstance(event, SegmentDone) and "segment" in self._extensions:
            await self._send(segment_message(event.segment))
        elif isinstance(event, Restarted):
            self._words.clear()
            self._language = self._told_language = None
            await self._send(engine_message())
            self._restarted.set()
        elif isinstance(event, Ended):
            # Of a day's words: the loop must not wait for it.
            final = await asyncio.to_thread(self._words.final, self._extensions)
            if self._stream.listeners:
                self._stream.tell(await asyncio.to_thread(self._words.final, ()))
            await self._socket.send_text(final)
            await self._socket.close(_DONE)

    async def _tell_word(self, word: Word) -> None:
        self._words.add(word)
        message = word_message(word, ())
        if self._stream.listeners:
            self._stream.tell(to_json(message))
        await self._send(word_message(word, self._extensions))

    async def _tell_endpoint(self, endpoint: Endpoint) -> None:
        if self._vad and endpoint.reason is EndpointReason.SILENCE:
            message: Message = {"type": "pause", "timestamp": time.time()}
            self._stream.tell(to_json(message))
            await self._send(message)

    async def _tell_language(self) -> None:
        """Tell the language that was heard last, to a client that asked late too."""
        if self._language is None or "language_detected" not in self._extensions:
            return
        code, confidence = self._language
        if code != self._told_language:
            self._told_language = code
            await self._send(language_message(code, confidence))

    async def _send(self, message: Message) -> None:
        await self._socket.send_text(to_json(message))
