"""An active eaRS session: audio in, words out, `final` at the end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from eclectus.apps.server.common.live_driver import drive
from eclectus.apps.server.common.socket_call import SocketLine
from eclectus.apps.server.ears.ears_hub import Stream
from eclectus.apps.server.ears.ears_shapes import (
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


class TurnsListenerError(Exception):
    """The client turned out to be a listener."""

    def __init__(self, command: Command) -> None:
        super().__init__(command.kind)
        self.command = command


class EarsSession:
    """One active session from its first message to its end."""

    def __init__(self, line: SocketLine, live: LiveStream, stream: Stream, *, vad: bool) -> None:
        """Prepare a session.

        Args:
            line: To the client.
            live: The stream that recognises.
            stream: What listeners follow.
            vad: Whether pauses are told.
        """
        self._line = line
        self._live = live
        self._stream = stream
        self._vad = vad
        self._words = SessionWords()
        self._language: tuple[str, float] | None = None
        self._told_language: str | None = None
        self._extensions: frozenset[str] = frozenset()
        self._restarted = asyncio.Event()
        self._heard = False
        self._may_listen = False

    def extend(self, names: frozenset[str]) -> None:
        """Tell what the client asked for beyond eaRS from now on."""
        self._extensions = names

    async def run(self, *, may_listen: bool) -> None:
        """Serve the session until its `final` is told.

        Args:
            may_listen: Whether a listener's command before the first audio ends the session.

        Raises:
            TurnsListenerError: There was such a command.
            ClientGoneError: The client has left.
        """
        await self._send(engine_message())
        self._may_listen = may_listen
        await drive(self._line, [self._live], self._take, self._tell_all)

    # From the client

    async def _take(self, received: str | bytes) -> bool:
        """Handle one message; False if it was `stop`, after which nothing counts any more."""
        if isinstance(received, bytes):
            await self._hear(received)
            return True
        command = parse_command(received)
        if command is None:
            return True
        if command.kind == "stop":
            return False
        if command.listens:
            await self._maybe_listen(command)
        elif command.kind == "restart":
            # Whoever restarts does not want what is on its way: nothing is read until it is gone.
            self._restarted.clear()
            await self._live.restart()
            await self._restarted.wait()
        else:
            await self._obey(command)
        return True

    async def _maybe_listen(self, command: Command) -> None:
        """Before the first audio, a client may still turn out to be a listener."""
        if self._heard:
            return
        if self._may_listen:
            raise TurnsListenerError(command)
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

    async def _tell_all(self, _: int, batch: list[LiveEvent]) -> None:
        for event in batch:
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
            await self._line.send(final)

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
        await self._line.send(to_json(message))
