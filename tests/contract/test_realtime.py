"""OpenAI's Realtime transcription: its own client, Pipecat's rules, and the edges of the wire."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import pcm16, pieces, right, samples, ulaw
from tests.support.server import running, running_server
from tests.support.streams import gone

DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"
LOGPROBS = "item.input_audio_transcription.logprobs"
PATIENCE_S = 60.0
Event = dict[str, Any]


class Talk:
    """A client on the bare wire."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def append(self, data: bytes, size: int = 4_801) -> None:
        for piece in pieces(data, size):
            audio = base64.b64encode(piece).decode()
            await self.say("input_audio_buffer.append", audio=audio)

    async def hear(self) -> Event:
        async with asyncio.timeout(PATIENCE_S):
            event: Event = json.loads(await self.socket.recv())
        return event

    async def until(self, kind: str) -> list[Event]:
        events = [await self.hear()]
        while events[-1]["type"] != kind:
            events.append(await self.hear())
        return events

    async def configure(self, **audio_input: Any) -> Event:
        await self.say(
            "session.update", session={"type": "transcription", "audio": {"input": audio_input}}
        )
        return (await self.until("session.updated"))[-1]


@asynccontextmanager
async def talking(
    url: str, query: str = "intent=transcription", **options: Any
) -> AsyncIterator[Talk]:
    address = f"{url.replace('http', 'ws')}/v1/realtime?{query}"
    async with connect(address, proxy=None, **options) as socket:
        yield Talk(socket)


def run(url: str, play: Callable[[Talk], Awaitable[None]], **options: Any) -> None:
    async def whole() -> None:
        async with talking(url, **options) as talk:
            assert (await talk.hear())["type"] == "session.created"
            await play(talk)

    asyncio.run(whole())


def deltas(events: list[Event]) -> str:
    return "".join(event["delta"] for event in events if event["type"] == DELTA)


def test_the_official_client_gets_deltas_that_join_to_the_transcript(server_url: str) -> None:
    async def play() -> None:
        client = AsyncOpenAI(base_url=f"{server_url}/v1", api_key="any", max_retries=0)
        async with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
            kinds, said = [], ""
            await connection.session.update(
                session={
                    "type": "transcription",
                    "audio": {
                        "input": {
                            "format": {"type": "audio/pcm", "rate": 24_000},
                            "transcription": {"model": "gpt-4o-transcribe", "language": "en"},
                            "turn_detection": {"type": "server_vad", "silence_duration_ms": 500},
                        }
                    },
                    "include": ["item.input_audio_transcription.logprobs"],
                }
            )
            for piece in pieces(pcm16(samples(rate=24_000, after_s=1.5)), 4_800):
                await connection.input_audio_buffer.append(audio=base64.b64encode(piece).decode())
            async with asyncio.timeout(PATIENCE_S):
                async for event in connection:
                    kinds.append(event.type)
                    if event.type == "input_audio_buffer.speech_started":
                        assert isinstance(event.audio_start_ms, int)
                        assert event.audio_start_ms < 400
                    if event.type == "input_audio_buffer.speech_stopped":
                        assert 3_300 < event.audio_end_ms < 4_700
                    if event.type == "conversation.item.input_audio_transcription.delta":
                        said += event.delta or ""
                        assert event.logprobs
                        assert all(one.logprob <= 0 for one in event.logprobs)
                        assert all(bytes(one.bytes).decode() == one.token for one in event.logprobs)
                    if event.type == "conversation.item.input_audio_transcription.completed":
                        assert event.transcript == said
                        assert right(event.transcript)
                        assert event.usage.type == "duration"
                        assert 3.0 < event.usage.seconds < 5.0
                        break
        await client.close()
        order = [kind for at, kind in enumerate(kinds) if kind not in kinds[:at]]
        assert order == [
            "session.created",
            "session.updated",
            "input_audio_buffer.speech_started",
            DELTA,
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            COMPLETED,
        ]

    asyncio.run(play())


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_a_client_that_commits_gets_each_turn_whole(server_url: str, rate: int) -> None:
    async def play(talk: Talk) -> None:
        told = await talk.configure(format={"type": "audio/pcm", "rate": rate}, turn_detection=None)
        assert told["session"]["audio"]["input"]["turn_detection"] is None
        before = None
        for name in ("garden", "temper"):
            await talk.append(pcm16(samples(name, rate)))
            await talk.say("input_audio_buffer.commit")
            events = await talk.until(COMPLETED)
            assert right(events[-1]["transcript"], name)
            assert events[-1]["transcript"] == deltas(events)
            assert events[-1]["usage"]["seconds"] == pytest.approx(
                len(samples(name)) / 16_000, abs=0.05
            )
            (committed,) = [e for e in events if e["type"] == "input_audio_buffer.committed"]
            assert committed["previous_item_id"] == before
            before = committed["item_id"]
            assert {e["item_id"] for e in events if "item_id" in e} == {before}
            assert not [e for e in events if "speech" in e["type"]]

    run(server_url, play)


def test_what_was_said_up_to_the_commit_is_in_its_turn(server_url: str) -> None:
    """The filter of the resampler holds audio back; the end of a turn must not stay in it."""

    async def play(talk: Talk) -> None:
        await talk.configure(turn_detection=None)
        whole = samples(rate=24_000)
        await talk.append(pcm16(whole[: round(0.6 * 24_000)]))
        await talk.say("input_audio_buffer.commit")
        first = (await talk.until(COMPLETED))[-1]
        assert first["usage"]["seconds"] == pytest.approx(0.6, abs=0.002)

    run(server_url, play)


def test_telephone_audio_is_understood(server_url: str) -> None:
    async def play(talk: Talk) -> None:
        told = await talk.configure(format={"type": "audio/pcmu"}, turn_detection=None)
        assert told["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}
        await talk.append(ulaw(samples(rate=8_000)))
        await talk.say("input_audio_buffer.commit")
        assert right((await talk.until(COMPLETED))[-1]["transcript"])

    run(server_url, play)


def test_the_beta_form_is_spoken_to_those_who_ask_for_it(server_url: str) -> None:
    async def play() -> None:
        headers = {"OpenAI-Beta": "realtime=v1"}
        async with talking(server_url, additional_headers=headers) as talk:
            created = await talk.hear()
            assert created["type"] == "transcription_session.created"
            assert created["session"]["input_audio_format"] == "pcm16"
            await talk.say(
                "transcription_session.update",
                session={
                    "input_audio_format": "g711_ulaw",
                    "input_audio_transcription": {"model": "whisper-1"},
                    "turn_detection": {"type": "server_vad", "threshold": 0.7},
                    "input_audio_noise_reduction": {"type": "near_field"},
                    "include": None,
                },
            )
            told = (await talk.hear())["session"]
            assert told["input_audio_format"] == "g711_ulaw"
            assert told["turn_detection"]["threshold"] == 0.7
            assert told["input_audio_noise_reduction"] == {"type": "near_field"}
            await talk.append(ulaw(samples(rate=8_000, after_s=1.5)))
            kinds = [event["type"] for event in await talk.until(COMPLETED)]
            assert "conversation.item.created" in kinds

    asyncio.run(play())


def test_turns_of_the_server_follow_one_another_in_time(server_url: str) -> None:
    async def play(talk: Talk) -> None:
        audio = np.concatenate([samples(rate=24_000, after_s=1.5)] * 2)
        await talk.append(pcm16(audio))
        events = await talk.until(COMPLETED) + await talk.until(COMPLETED)
        starts = [e["audio_start_ms"] for e in events if "audio_start_ms" in e]
        ends = [e["audio_end_ms"] for e in events if "audio_end_ms" in e]
        assert len(starts) == len(ends) == 2
        assert starts[0] < ends[0] < starts[1] < ends[1]
        assert starts[1] >= 5_300
        first, second = [e for e in events if e["type"] == "input_audio_buffer.committed"]
        assert first["previous_item_id"] is None
        assert second["previous_item_id"] == first["item_id"]

    run(server_url, play)


def test_a_long_silence_asked_for_joins_what_a_short_one_parts(server_url: str) -> None:
    async def play(talk: Talk) -> None:
        told = await talk.configure(
            turn_detection={
                "type": "server_vad",
                "silence_duration_ms": 3_000,
                "prefix_padding_ms": 100,
            }
        )
        turns = told["session"]["audio"]["input"]["turn_detection"]
        assert turns["silence_duration_ms"] == 3_000
        assert turns["prefix_padding_ms"] == 100
        audio = np.concatenate([samples(rate=24_000, after_s=1.5)] * 2)
        await talk.append(pcm16(np.concatenate([audio, np.zeros(4 * 24_000, np.float32)])))
        text = (await talk.until(COMPLETED))[-1]["transcript"]
        assert right(text, "garden", "garden")

    run(server_url, play)


def test_a_change_of_the_session_ends_the_turn_and_time_goes_on(server_url: str) -> None:
    async def play(talk: Talk) -> None:
        await talk.append(pcm16(samples(rate=24_000)))
        await talk.say(
            "session.update",
            session={
                "type": "transcription",
                "audio": {"input": {"format": {"type": "audio/pcm", "rate": 16_000}}},
            },
        )
        events = await talk.until(COMPLETED)
        assert right(events[-1]["transcript"])
        await talk.append(pcm16(samples("temper", after_s=1.5)))
        events = await talk.until(COMPLETED)
        assert right(events[-1]["transcript"], "temper")
        (start,) = [e["audio_start_ms"] for e in events if "audio_start_ms" in e]
        assert start >= 4_100

    run(server_url, play)


def test_what_is_cleared_is_not_transcribed_but_what_was_committed_is(server_url: str) -> None:
    async def play(talk: Talk) -> None:
        await talk.configure(turn_detection=None)
        await talk.append(pcm16(samples(rate=24_000)))
        await talk.say("input_audio_buffer.commit")
        await talk.append(pcm16(samples(rate=24_000)) + b"\1")
        await talk.say("input_audio_buffer.clear")
        events = await talk.until("input_audio_buffer.cleared")
        assert [right(e["transcript"]) for e in events if e["type"] == COMPLETED] == [True]
        await talk.say("input_audio_buffer.commit")
        assert (await talk.hear())["error"]["code"] == "input_audio_buffer_commit_empty"
        await talk.append(pcm16(samples("temper", 24_000)))
        await talk.say("input_audio_buffer.commit")
        events = await talk.until(COMPLETED)
        assert right(events[-1]["transcript"], "temper")
        assert events[-1]["usage"]["seconds"] == pytest.approx(4.555, abs=0.05)

    run(server_url, play)


def test_a_commit_without_speech_completes_an_empty_item(server_url: str) -> None:
    async def play(talk: Talk) -> None:
        await talk.append(bytes(24_000))
        await talk.say("input_audio_buffer.commit")
        events = await talk.until(COMPLETED)
        assert events[-1]["transcript"] == ""

    run(server_url, play)


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("{", None, "invalid_json"),
        ("[1]", None, "invalid_json"),
        ("[" * 100_000, None, "invalid_json"),
        (b"\0\1", None, "invalid_request"),
        ({"type": "nonsense"}, "type", "invalid_request"),
        ({"type": ["session.update"]}, "type", "invalid_request"),
        ({"type": "input_audio_buffer.append"}, "audio", "invalid_request"),
        ({"type": "input_audio_buffer.append", "audio": "%%%"}, "audio", "invalid_base64"),
        ({"type": "input_audio_buffer.append", "audio": "ä"}, "audio", "invalid_base64"),
        (
            {"type": "input_audio_buffer.append", "audio": "A" * 21_000_000},
            "audio",
            "audio_too_large",
        ),
        ({"type": "input_audio_buffer.commit"}, None, "input_audio_buffer_commit_empty"),
        ({"type": "session.update"}, "session", "invalid_value"),
        (
            {"type": "session.update", "session": {"type": "realtime"}},
            "session.type",
            "invalid_value",
        ),
        (
            {
                "type": "session.update",
                "session": {"audio": {"input": {"format": {"type": "audio/opus"}}}},
            },
            "session.audio.input.format.type",
            "invalid_value",
        ),
        (
            {
                "type": "transcription_session.update",
                "session": {"input_audio_format": "opus", "turn_detection": None},
            },
            "session.audio.input.format.type",
            "invalid_value",
        ),
        (
            {
                "type": "session.update",
                "session": {
                    "audio": {"input": {"transcription": {"model": "canary\ud800"}}},
                },
            },
            "model",
            "model_not_found",
        ),
    ],
)
def test_what_is_wrong_is_told_and_the_session_goes_on(
    server_url: str, message: str | bytes | Event, param: str | None, code: str
) -> None:
    async def play(talk: Talk) -> None:
        if isinstance(message, dict):
            await talk.socket.send(json.dumps({"event_id": "mine"} | message))
        else:
            await talk.socket.send(message)
        event = await talk.hear()
        assert event["type"] == "error"
        assert event["error"]["param"] == param
        assert event["error"]["code"] == code
        assert event["error"]["type"] in ("invalid_request_error", "not_found_error")
        assert event["error"]["event_id"] == ("mine" if isinstance(message, dict) else None)
        assert (await talk.configure(turn_detection=None))["type"] == "session.updated"

    run(server_url, play)


def test_an_unknown_model_in_the_query_is_told_before_the_close(server_url: str) -> None:
    async def play() -> None:
        async with talking(server_url, "model=canary") as talk:
            event = await talk.hear()
            assert event["error"]["code"] == "model_not_found"
            with pytest.raises(ConnectionClosed):
                await talk.hear()
            assert talk.socket.close_code == 1008

    asyncio.run(play())


def test_keys_come_in_headers_and_in_subprotocols() -> None:
    settings = Settings(server=ServerOptions(api_keys=("secret",)))

    async def play(url: str) -> None:
        offered = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.secret")]
        async with talking(url, subprotocols=offered) as talk:
            assert talk.socket.subprotocol == "realtime"
            assert (await talk.hear())["type"] == "session.created"
        headers = {"Authorization": "Bearer secret"}
        async with talking(url, additional_headers=headers) as talk:
            assert talk.socket.subprotocol is None
            assert (await talk.hear())["type"] == "session.created"
        with pytest.raises(InvalidStatus) as refused:
            async with talking(url):
                pass
        assert refused.value.response.status_code == 401
        body = json.loads(refused.value.response.body or b"")
        assert body["error"]["code"] == "invalid_api_key"

    with running_server(settings) as url:
        asyncio.run(play(url))


def test_a_full_server_says_so_and_disconnects_make_room() -> None:
    settings = Settings(server=ServerOptions(max_sessions=1))

    async def play(url: str) -> None:
        async with talking(url) as first:
            await first.configure(turn_detection=None)
            async with talking(url) as second:
                assert (await second.until("error"))[-1]["error"]["type"] == "server_error"
                with pytest.raises(ConnectionClosed):
                    await second.hear()
                assert second.socket.close_code == 1013
            # A session that changes keeps its place.
            await first.configure(format={"type": "audio/pcm", "rate": 16_000})
            await first.append(pcm16(samples()))

    with running(settings) as (url, server):
        asyncio.run(play(url))
        asyncio.run(gone(server.service))
        asyncio.run(play(url))


VALUES: list[Any] = [None, True, -1, 1e300, "", "x" * 1_000, [], {}, [[]], {"type": "x"}, "\ud800"]
KINDS = [
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "input_audio_buffer.clear",
    "session.update",
    "transcription_session.update",
    None,
    7,
]
NAMES = ("audio", "input", "format", "turn_detection", "transcription", "include", "type")


def random_message(random: np.random.Generator) -> str | bytes:
    """Bytes, audio, or an event of wrong parts, cut off anywhere."""

    def pick(choices: Sequence[Any]) -> Any:
        return choices[int(random.integers(len(choices)))]

    if random.random() < 0.2:
        return random.bytes(int(random.integers(0, 200)))
    if random.random() < 0.3:
        audio = base64.b64encode(random.bytes(int(random.integers(0, 3_000)))).decode()
        return json.dumps({"type": "input_audio_buffer.append", "audio": audio})
    inner = {str(pick(NAMES)): pick(VALUES) for _ in range(3)}
    event = {
        "type": pick(KINDS),
        "audio": pick(VALUES),
        "event_id": pick(VALUES),
        "session": pick([*VALUES, inner, {"audio": inner}, {"audio": {"input": inner}}]),
    }
    return json.dumps(event)[: int(random.integers(10, 4_000))]


@pytest.mark.slow
def test_random_messages_hurt_nobody(caplog: pytest.LogCaptureFixture) -> None:
    random = np.random.default_rng(7)

    async def storm(url: str) -> None:
        async with talking(url) as talk:
            for _ in range(150):
                await talk.socket.send(random_message(random))
            # Left without a goodbye, with answers unread.
            talk.socket.transport.abort()

    async def play(url: str) -> None:
        async with talking(url) as quiet:
            await quiet.configure(turn_detection=None)
            ends = await asyncio.gather(*(storm(url) for _ in range(6)), return_exceptions=True)
            assert all(end is None or isinstance(end, ConnectionClosed) for end in ends)
            await quiet.append(pcm16(samples(rate=24_000)))
            await quiet.say("input_audio_buffer.commit")
            assert right((await quiet.until(COMPLETED))[-1]["transcript"])

    with running() as (url, server):
        asyncio.run(play(url))
        asyncio.run(gone(server.service))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
