"""OpenAI's Realtime transcription: the WebSocket `/v1/realtime`."""

from __future__ import annotations

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from eclectus.apps.server.common.conversation import Conversation, server_ends
from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.live_driver import drive
from eclectus.apps.server.common.model_names import resolve_model
from eclectus.apps.server.common.samples import SampleReader
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.apps.server.openai.openai_shapes import error_object
from eclectus.apps.server.openai.realtime_items import Items, new_id
from eclectus.apps.server.openai.realtime_shapes import (
    SessionConfig,
    Transcription,
    beta_shape,
    first_config,
    general_shape,
)
from eclectus.core.errors import EclectusError
from eclectus.core.options import StreamOptions
from eclectus.service.live import Flushed, LiveEvent, LiveStream, Restarted
from eclectus.service.service import StreamRequest
from eclectus.streaming.events import Ended, Endpoint, Final, SpeechStarted

_SUBPROTOCOL = "realtime"
_BETA_SUBPROTOCOL = "openai-beta.realtime-v1"
_LARGEST_APPEND = 15 * 1024 * 1024 * 4 // 3  # 15 MiB of audio in base64, as OpenAI has it
_LARGEST_EVENT = 2 * _LARGEST_APPEND
_Answer: TypeAlias = Callable[[dict[str, Any], LiveStream], Awaitable[None]]


class Realtime(Conversation[SocketCall]):
    """One client's session: its events in, ours out."""

    protocol = "realtime"

    def __init__(self, call: SocketCall) -> None:
        self._call = call
        self._service = call.service
        self._id = new_id("sess")
        self.subprotocol = _SUBPROTOCOL if _SUBPROTOCOL in call.offered else None
        query = call.query
        asked = Transcription(
            model=query.get("transcription_model")
            or query.get("model")
            or call.service.pool.default,
            language=query.get("language"),
        )
        self._config = first_config(call.service.settings.stream.endpoint, asked)
        self._begin_reading()
        self._items = Items(self._tell, beta=_is_beta(call))
        self._clock = _Clock()
        self._commits = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self._restarted = asyncio.Event()
        self._answers: Mapping[str, _Answer] = {
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "session.update": self._update,
            "transcription_session.update": self._update,
        }

    async def run(self) -> int:
        """Serve until the client goes away or the server ends."""
        request = self._request(self._config)
        await self._tell_session("created", self._items.beta)
        while True:
            request = await self._run_stream(request)

    async def fail(self, error: Exception) -> None:
        """Send an error, after that of the item that is under way."""
        await self._items.fail(error_object(error))
        await self._tell("error", error={**error_object(error), "event_id": None})

    async def _run_stream(self, request: StreamRequest) -> StreamRequest:
        """Follow one stream until the client changes what it is; return what it is to be.

        Raises:
            CapacityError: The server has ended it.
        """
        self._clock.pre_roll_s = (request.options or StreamOptions()).endpoint.pre_roll_s
        async with self._service.stream(request) as live:

            async def hear(message: str | bytes) -> bool:
                await self._hear(message, live)
                return self._request(self._config) == request

            async def tell(_: int, batch: list[LiveEvent]) -> None:
                for event in batch:
                    await self._on_event(event, batch, live)

            if not await drive(self._call.line, [live], hear, tell, goes_on=True):
                raise server_ends()
            self._clock.go_on(live.duration)
        self._begin_reading()
        return self._request(self._config)

    def _request(self, config: SessionConfig) -> StreamRequest:
        return self._call.request(
            model=resolve_model(config.transcription.model, self._service),
            options=config.stream_options(self._service.settings.stream),
            language=config.transcription.language,
            strict_language=True,
            sample_rate=config.format.sample_rate,
        )

    def _begin_reading(self) -> None:
        self._reader = SampleReader(self._config.format.encoding)
        self._pushed_s = 0.0
        self._fresh = False

    # What the client says.

    async def _hear(self, message: str | bytes, live: LiveStream) -> None:
        """Do what a message asks; what is wrong with it is told, and the session goes on."""
        event: dict[str, Any] = {}
        try:
            if isinstance(message, bytes):
                raise HttpError(400, "send audio in base64, in input_audio_buffer.append")
            event = read_object(message, _LARGEST_EVENT)
            kind = event.get("type")
            answer = self._answers.get(kind) if isinstance(kind, str) else None
            if answer is None:
                known = ", ".join(self._answers)
                raise HttpError(400, f"type must be one of: {known}", param="type")
            await answer(event, live)
        except EclectusError as error:
            identity = event.get("event_id")
            told = {**error_object(error), "event_id": identity if _is_text(identity) else None}
            await self._tell("error", error=told)

    async def _append(self, event: dict[str, Any], live: LiveStream) -> None:
        audio = event.get("audio")
        if not isinstance(audio, str):
            raise HttpError(400, "audio must be text in base64", param="audio")
        if len(audio) > _LARGEST_APPEND:
            raise HttpError(
                400, "audio is longer than 15 MiB; send it in pieces", param="audio",
                code="audio_too_large",
            )  # fmt: skip
        try:
            data = b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as error:
            raise HttpError(
                400, "audio is not base64", param="audio", code="invalid_base64"
            ) from error
        samples = self._reader.read_mono(data)
        self._fresh = self._fresh or len(samples) > 0
        self._pushed_s += len(samples) / live.sample_rate
        await live.push(samples)

    async def _commit(self, _: dict[str, Any], live: LiveStream) -> None:
        if not self._fresh:
            raise HttpError(
                400,
                "the audio buffer is empty; append audio before you commit it",
                code="input_audio_buffer_commit_empty",
            )
        self._fresh = False
        self._reader.forget()
        self._commits += 1
        self._settled.clear()
        await live.flush()

    async def _clear(self, _: dict[str, Any], live: LiveStream) -> None:
        self._fresh = False
        self._reader.forget()
        await self._settled.wait()  # what is committed is not cleared
        self._restarted.clear()
        await live.restart()
        await self._restarted.wait()
        self._clock.go_on(self._pushed_s)
        self._pushed_s = 0.0
        await self._tell("input_audio_buffer.cleared")

    async def _update(self, event: dict[str, Any], live: LiveStream) -> None:
        config = self._config.updated(event.get("session"))
        request = self._request(config)  # refuses a model that is not there
        if request.model == self._request(self._config).model:
            live.require_language(request.language)
        self._config = config
        flat = event["type"].startswith("transcription_session")
        self._items.beta = self._items.beta or flat
        await self._tell_session("updated", flat)

    # What the client is told.

    async def _on_event(self, event: LiveEvent, batch: list[LiveEvent], live: LiveStream) -> None:
        if isinstance(event, SpeechStarted):
            await self._items.speech_started(self._clock.begin_turn(event.at))
        elif isinstance(event, Final):
            await self._items.say(event.words, logprobs=self._config.logprobs)
        elif isinstance(event, Endpoint) and self._config.turns is not None:
            await self._items.speech_stopped(self._clock.ms(event.at))
            await self._complete(event.at)
        elif isinstance(event, Flushed):
            await self._on_flushed(batch, live)
        elif isinstance(event, Restarted):
            self._items.forget()
            self._restarted.set()
        elif isinstance(event, Ended) and self._items.open:
            await self._complete(event.duration)

    async def _on_flushed(self, batch: list[LiveEvent], live: LiveStream) -> None:
        ended = any(isinstance(event, Endpoint) for event in batch)
        if self._config.turns is None or not ended:  # else it was completed at its end
            await self._complete(live.duration)
        self._commits -= 1
        if not self._commits:
            self._settled.set()

    async def _complete(self, until_s: float) -> None:
        seconds = self._clock.end_turn(until_s)
        await self._items.complete(seconds, logprobs=self._config.logprobs)

    async def _tell_session(self, what: str, beta: bool) -> None:
        name, shape = ("transcription_session", beta_shape) if beta else ("session", general_shape)
        server = self._service.settings.stream.endpoint
        await self._tell(f"{name}.{what}", session=shape(self._config, self._id, server))

    async def _tell(self, kind: str, **fields: Any) -> None:
        await self._call.line.send({"type": kind, "event_id": new_id("event"), **fields})


class _Clock:
    """From the times of streams, which begin anew, to those of the session."""

    def __init__(self) -> None:
        self.pre_roll_s = 0.0
        self._base_s = 0.0
        self._told_s = 0.0

    def ms(self, at_s: float) -> int:
        """Return the session's milliseconds at a time of the stream."""
        return round((self._base_s + at_s) * 1000)

    def begin_turn(self, heard_s: float) -> int:
        """Begin a turn some audio before speech was heard; return its milliseconds."""
        self._told_s = max(self._told_s, self._base_s + heard_s - self.pre_roll_s)
        return round(self._told_s * 1000)

    def end_turn(self, at_s: float) -> float:
        """Return how many seconds the turn has had."""
        before, self._told_s = self._told_s, max(self._told_s, self._base_s + at_s)
        return self._told_s - before

    def go_on(self, duration_s: float) -> None:
        """Go on with a stream that begins after one of this length."""
        self._base_s += duration_s
        self._told_s = max(self._told_s, self._base_s)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_beta(call: SocketCall) -> bool:
    named = call.socket.headers.get("openai-beta", "")
    return "realtime=v1" in named or _BETA_SUBPROTOCOL in call.offered
