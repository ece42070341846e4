"""Deepgram's live transcription: the WebSocket `/v1/listen`."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from eclectus.apps.server.context import PageClient, Service
from eclectus.apps.server.deepgram_shapes import ListenQuery, Span, result
from eclectus.apps.server.errors import HttpError, code_of, message_of
from eclectus.apps.server.live_socket import (
    close_for,
    messages,
    parse_object,
    send_json,
    side_by_side,
)
from eclectus.apps.server.openai_models import resolve_model
from eclectus.apps.server.samples import SampleReader
from eclectus.core.errors import EclectusError
from eclectus.core.types import Word
from eclectus.service.live import Flushed, LiveEvent, LiveStream
from eclectus.service.service import SpeechService, StreamRequest
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    EndpointReason,
    Final,
    Partial,
    SpeechStarted,
)

router = APIRouter()

_SCHEMES = ("token", "bearer")
_FAMILIES = ("nova", "flux", "enhanced", "base", "general", "whisper")
"""How the names of Deepgram's own models begin; they mean the default model here."""


@router.websocket("/v1/listen")
async def listen(socket: WebSocket, service: Service, client: PageClient) -> None:
    """Transcribe audio as it comes, with drafts and on demand with finals."""
    query = ListenQuery.of(socket.query_params)
    model = _model(query.model, service)
    offered = socket.scope.get("subprotocols") or []
    scheme = next((one for one in offered if one.lower() in _SCHEMES), None)
    identity = str(uuid.uuid4())
    await socket.accept(subprotocol=scheme, headers=[(b"dg-request-id", identity.encode())])
    request = StreamRequest(
        protocol="deepgram",
        model=model,
        client=client,
        options=query.stream_options(service.settings.stream),
        language=socket.query_params.get("language"),
        sample_rate=query.sample_rate,
    )
    try:
        async with AsyncExitStack() as stack:
            streams = [
                await stack.enter_async_context(service.stream(request))
                for _ in range(query.streams)
            ]
            await _Conversation(socket, query, streams, _metadata(identity, model)).run()
    except WebSocketDisconnect:
        return
    except EclectusError as error:
        service.telemetry.errors.labels(error.code).inc()
        await send_json(socket, _error(error))
        await close_for(socket, error)


def _model(name: str | None, service: SpeechService) -> str:
    if name in service.pool.names or not (name or "").startswith(_FAMILIES):
        return resolve_model(name, service)
    return service.pool.default


def _metadata(identity: str, model: str) -> dict[str, Any]:
    return {
        "request_id": identity,
        "model_info": {"name": model, "version": "", "arch": "parakeet"},
        "model_uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, model)),
    }


def _error(error: EclectusError) -> dict[str, Any]:
    return {"type": "Error", "variant": code_of(error), "description": message_of(error)}


class _Conversation:
    """One client: audio and orders in, results of each channel out."""

    def __init__(
        self,
        socket: WebSocket,
        query: ListenQuery,
        streams: list[LiveStream],
        metadata: dict[str, Any],
    ) -> None:
        self._socket = socket
        self._query = query
        self._streams = streams
        self._metadata = metadata
        self._reader = SampleReader(query.sample_encoding, query.channels)
        self._digest = hashlib.sha256()

    async def run(self) -> None:
        """Serve until the client closes the stream.

        Raises:
            WebSocketDisconnect: It went away.
        """
        count = len(self._streams)
        channels = [_Channel((index, count), self._query, self._metadata) for index in range(count)]
        follow = [self._follow(*pair) for pair in zip(self._streams, channels, strict=True)]
        await side_by_side(self._listen(), *follow)
        await send_json(self._socket, self._summary())
        await self._socket.close(1000)

    async def _listen(self) -> None:
        async for message in messages(self._socket):
            if message == b"" or not await self._hear(message):
                break
        for stream in self._streams:
            await stream.finish()

    async def _hear(self, message: str | bytes) -> bool:
        """Do what a message asks; return whether the stream goes on."""
        if isinstance(message, bytes):
            self._digest.update(message)
            await self._push(message)
            return True
        try:
            return await self._obey(parse_object(message))
        except EclectusError as error:
            await send_json(self._socket, _error(error))
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

    async def _follow(self, stream: LiveStream, channel: _Channel) -> None:
        async for batch in stream.batches():
            for message in channel.messages(batch, stream.duration):
                await send_json(self._socket, message)

    def _summary(self) -> dict[str, Any]:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self._metadata["request_id"],
            "sha256": self._digest.hexdigest(),
            "created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "duration": round(max(stream.duration for stream in self._streams), 3),
            "channels": self._query.channels,
        }


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
            yield self._result(Span(self._told_until, heard_s, event.words))
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
        span = Span(self._told_until, max(self._told_until, until_s), words)
        self._told_until = span.end
        return self._result(span, is_final=True, **flags)

    def _result(self, span: Span, **flags: bool) -> dict[str, Any]:
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
