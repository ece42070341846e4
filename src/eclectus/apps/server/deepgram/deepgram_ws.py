"""Deepgram's live transcription: the WebSocket `/v1/listen`."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

from eclectus.apps.server.common.conversation import DONE, Conversation
from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.live_driver import drive
from eclectus.apps.server.common.samples import SampleReader
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import HttpError, code_of, message_of
from eclectus.apps.server.deepgram.deepgram_live_shapes import ListenQuery, TimedText, result
from eclectus.apps.server.deepgram.deepgram_terms import (
    deepgram_model,
    model_info,
    model_uuid,
    summary,
)
from eclectus.core.errors import EclectusError
from eclectus.core.types import Word
from eclectus.service.live import Flushed, LiveEvent, LiveStream
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    EndpointReason,
    Final,
    Partial,
    SpeechStarted,
)

_SCHEMES = ("token", "bearer")


class Listen(Conversation[SocketCall]):
    """One client: audio and orders in, results of each channel out."""

    protocol = "deepgram"

    def __init__(self, call: SocketCall) -> None:
        self._call = call
        self._query = ListenQuery.of(call.query)
        model = deepgram_model(self._query.model, call.service)
        identity = str(uuid.uuid4())
        self.subprotocol = next((one for one in call.offered if one.lower() in _SCHEMES), None)
        self.headers = ((b"dg-request-id", identity.encode()),)
        self._request = call.request(
            model=model,
            options=self._query.stream_options(call.service.settings.stream),
            language=self._query.language,
            strict_language=True,
            sample_rate=self._query.sample_rate,
        )
        self._metadata = {
            "request_id": identity,
            "model_info": model_info(model),
            "model_uuid": model_uuid(model),
        }
        self._reader = SampleReader(self._query.sample_encoding, self._query.channels)
        self._digest = hashlib.sha256()
        self._streams: list[LiveStream] = []
        self._channels: list[_Channel] = []

    async def run(self) -> int:
        """Serve until the client or the server closes the stream: the summary is the last word."""
        count = self._query.streams
        self._channels = [
            _Channel((index, count), self._query, self._metadata) for index in range(count)
        ]
        async with AsyncExitStack() as stack:
            for _ in range(count):
                stream = self._call.service.stream(self._request)
                self._streams.append(await stack.enter_async_context(stream))
            await drive(self._call.line, self._streams, self._hear, self._tell)
            await self._call.line.send(self._summary())
        return DONE

    async def fail(self, error: Exception) -> None:
        """Send an error."""
        told = {"type": "Error", "variant": code_of(error), "description": message_of(error)}
        await self._call.line.send(told)

    async def _hear(self, message: str | bytes) -> bool:
        """Do what a message asks; return whether the stream goes on."""
        if message == b"":
            return False
        if isinstance(message, bytes):
            self._digest.update(message)
            await self._push(message)
            return True
        try:
            return await self._obey(read_object(message))
        except EclectusError as error:
            await self.fail(error)
            return True

    async def _push(self, data: bytes) -> None:
        if len(self._streams) == 1:
            await self._streams[0].push(self._reader.read_mono(data))
            return
        samples = self._reader.read(data)
        for index, stream in enumerate(self._streams):
            await stream.push(samples[:, index])

    async def _obey(self, order: dict[str, Any]) -> bool:
        kind = order.get("type")
        if kind == "Finalize":
            for stream in self._named(order.get("channel")):
                await stream.flush()
        elif kind not in ("KeepAlive", "CloseStream"):
            raise HttpError(400, "type must be one of: Finalize, KeepAlive, CloseStream")
        return bool(kind != "CloseStream")

    def _named(self, channel: object) -> list[LiveStream]:
        """Return the streams that an order is for: `channel` may be 1, or [1, 2], or nothing."""
        index = channel[0] if isinstance(channel, list) and channel else channel
        if index is None:
            return self._streams
        if isinstance(index, int) and 0 <= index < len(self._streams):
            return [self._streams[index]]
        raise HttpError(400, f"channel must be between 0 and {len(self._streams) - 1}")

    async def _tell(self, index: int, batch: list[LiveEvent]) -> None:
        channel, stream = self._channels[index], self._streams[index]
        for message in channel.messages(batch, stream.duration):
            await self._call.line.send(message)

    def _summary(self) -> dict[str, Any]:
        told = summary(
            str(self._metadata["request_id"]),
            self._digest.hexdigest(),
            max(stream.duration for stream in self._streams),
            self._query.channels,
        )
        return {"type": "Metadata", **told}


class _Channel:
    """What is told of one channel.

    Final results follow one another without gaps. Words that have become final are held until the
    next event of the same step, because it may say that they end an utterance.
    """

    def __init__(
        self, index: tuple[int, int], query: ListenQuery, metadata: dict[str, Any]
    ) -> None:
        self._index = index
        self._query = query
        self._metadata = metadata
        self._told_until = 0.0
        self._held: tuple[Word, ...] = ()
        self._speaking = False
        self._last_word_end: float | None = None

    def messages(self, batch: list[LiveEvent], heard_s: float) -> Iterator[dict[str, Any]]:
        """Yield what is to be told.

        Args:
            batch: Events of one step.
            heard_s: Seconds of audio so far.
        """
        for event in batch:
            yield from self._on_event(event, heard_s)
        yield from self._release()
        yield from self._utterance_end(heard_s)

    def _on_event(self, event: LiveEvent, heard_s: float) -> Iterator[dict[str, Any]]:
        if isinstance(event, SpeechStarted):
            yield from self._on_speech(event)
        elif isinstance(event, Final):
            yield from self._release()
            self._held = event.words
        elif isinstance(event, Partial):
            yield from self._release()
            yield self._result(TimedText(self._told_until, heard_s, event.words))
        elif isinstance(event, Endpoint):
            self._speaking = False
            if event.reason is not EndpointReason.FLUSH:
                yield self._final(event.at, speech_final=self._query.endpoints)
        elif isinstance(event, Flushed):
            # Always told: clients wait for it, whether or not there was anything to say.
            yield self._final(heard_s, speech_final=bool(self._held), from_finalize=True)
        elif isinstance(event, Ended) and self._held:
            yield self._final(heard_s, speech_final=True)

    def _on_speech(self, event: SpeechStarted) -> Iterator[dict[str, Any]]:
        yield from self._release()
        self._speaking = True
        if self._query.vad_events:
            yield {
                "type": "SpeechStarted",
                "channel": list(self._index),
                "timestamp": round(event.at, 3),
            }

    def _release(self) -> Iterator[dict[str, Any]]:
        if self._held:
            yield self._final(self._held[-1].end)

    def _final(self, until_s: float, **flags: bool) -> dict[str, Any]:
        """Tell the words that are held as final."""
        words, self._held = self._held, ()
        if words:
            self._last_word_end = words[-1].end
            until_s = max(until_s, words[-1].end)
        span = TimedText(self._told_until, max(self._told_until, until_s), words)
        self._told_until = span.end
        return self._result(span, is_final=True, **flags)

    def _result(self, span: TimedText, **flags: bool) -> dict[str, Any]:
        return result(span, self._index, self._metadata, **flags)

    def _utterance_end(self, heard_s: float) -> Iterator[dict[str, Any]]:
        gap_s = self._query.utterance_end_s
        if gap_s is None or self._last_word_end is None or self._speaking:
            return
        if heard_s - self._last_word_end >= gap_s:
            yield {
                "type": "UtteranceEnd",
                "channel": list(self._index),
                "last_word_end": round(self._last_word_end, 3),
            }
            self._last_word_end = None
