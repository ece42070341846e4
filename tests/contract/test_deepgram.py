"""Deepgram's live protocol: its own client, and the edges of the wire."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
from deepgram.listen.v1.types import (
    ListenV1Metadata,
    ListenV1Results,
    ListenV1SpeechStarted,
    ListenV1UtteranceEnd,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import pcm16, pieces, right, samples, ulaw
from tests.support.server import running, running_server
from tests.support.streams import gone

PATIENCE_S = 60.0
LINEAR = "encoding=linear16&sample_rate=16000"
Message = dict[str, Any]


@asynccontextmanager
async def talking(url: str, query: str = LINEAR, **options: Any) -> AsyncIterator[ClientConnection]:
    address = f"{url.replace('http', 'ws')}/v1/listen?{query}"
    async with connect(address, proxy=None, **options) as socket:
        yield socket


async def hear(socket: ClientConnection) -> Message:
    async with asyncio.timeout(PATIENCE_S):
        message: Message = json.loads(await socket.recv())
    return message


async def rest(socket: ClientConnection) -> list[Message]:
    """Everything up to the close, which must be in good order."""
    async with asyncio.timeout(PATIENCE_S):
        messages = [json.loads(message) async for message in socket]
    assert socket.close_code == 1000
    return messages


async def said_in(url: str, query: str, data: bytes, size: int = 3_201) -> list[Message]:
    async with talking(url, query) as socket:
        for piece in pieces(data, size):
            await socket.send(piece)
        await socket.send(json.dumps({"type": "CloseStream"}))
        return await rest(socket)


def results(messages: list[Message], **flags: bool) -> list[Message]:
    return [
        message
        for message in messages
        if message["type"] == "Results"
        and all(message[name] is value for name, value in flags.items())
    ]


def text_of(message: Message) -> str:
    return str(message["channel"]["alternatives"][0]["transcript"])


def final_text(messages: list[Message]) -> str:
    return " ".join(filter(None, map(text_of, results(messages, is_final=True))))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own
def test_the_official_client_gets_drafts_finals_and_the_summary(server_url: str) -> None:
    async def play() -> None:
        address = server_url.replace("http", "ws")
        environment = DeepgramClientEnvironment(
            base=server_url, production=address, agent=address, agent_rest=server_url
        )
        client = AsyncDeepgramClient(api_key="any", environment=environment)
        messages: list[Any] = []
        async with client.listen.v1.connect(
            model="nova-3",
            encoding="linear16",
            sample_rate=16_000,
            interim_results=True,
            vad_events=True,
            utterance_end_ms=1000,
        ) as connection:
            for piece in pieces(pcm16(samples(after_s=2.0)), 3_200):
                await connection.send_media(piece)
                await asyncio.sleep(0.01)
            await connection.send_keep_alive()
            await connection.send_finalize()
            await connection.send_close_stream()
            async with asyncio.timeout(PATIENCE_S):
                messages = [message async for message in connection]
        kinds = [type(message) for message in messages]
        assert kinds[0] is ListenV1SpeechStarted
        assert kinds[-1] is ListenV1Metadata
        assert ListenV1UtteranceEnd in kinds
        told = [message for message in messages if isinstance(message, ListenV1Results)]
        assert [one for one in told if not one.is_final and one.channel.alternatives[0].transcript]
        finals = [one for one in told if one.is_final]
        text = " ".join(filter(None, (one.channel.alternatives[0].transcript for one in finals)))
        assert right(text)
        assert [one for one in finals if one.speech_final and one.channel.alternatives[0].words]
        for one in finals:
            for word in one.channel.alternatives[0].words:
                assert one.start - 0.1 <= word.start <= word.end <= one.start + one.duration + 0.01
        assert messages[-1].duration == pytest.approx(6.235, abs=0.01)

    asyncio.run(play())


def test_finals_follow_one_another_without_gaps(server_url: str) -> None:
    data = pcm16(np.concatenate([samples(after_s=1.5), samples("temper", after_s=1.5)]))
    messages = asyncio.run(said_in(server_url, LINEAR, data))
    assert not results(messages, is_final=False)
    finals = results(messages, is_final=True)
    for before, after in pairwise(finals):
        assert after["start"] == pytest.approx(before["start"] + before["duration"], abs=0.002)
    assert len(results(messages, speech_final=True)) == 2
    words = final_text(messages)
    assert right(words, "garden")
    assert messages[-1]["sha256"] == hashlib.sha256(data).hexdigest()
    assert messages[-1]["channels"] == 1


def test_finalize_is_always_answered_with_words_or_without(server_url: str) -> None:
    async def play() -> None:
        async with talking(server_url) as socket:
            await socket.send(json.dumps({"type": "Finalize"}))
            empty = await hear(socket)
            assert empty["from_finalize"] is True
            assert empty["is_final"] is True
            assert text_of(empty) == ""
            for piece in pieces(pcm16(samples()), 3_200):
                await socket.send(piece)
            await socket.send(json.dumps({"type": "Finalize", "channel": 0}))
            told = [await hear(socket)]
            while not told[-1]["from_finalize"]:
                told.append(await hear(socket))
            assert text_of(told[-1])
            assert right(final_text(told))
            await socket.send(json.dumps({"type": "CloseStream"}))
            assert [message["type"] for message in await rest(socket)] == ["Metadata"]

    asyncio.run(play())


def test_channels_are_mixed_or_told_apart(server_url: str) -> None:
    length = max(len(samples("garden")), len(samples("temper")))
    both = np.zeros((length, 2), np.float32)
    both[: len(samples("garden")), 0] = samples("garden")
    both[: len(samples("temper")), 1] = samples("temper")
    apart = asyncio.run(said_in(server_url, f"{LINEAR}&channels=2&multichannel=true", pcm16(both)))
    for index, name in enumerate(("garden", "temper")):
        own = [one for one in results(apart) if one["channel_index"] == [index, 2]]
        assert right(final_text(own), name)
    assert apart[-1]["channels"] == 2
    twice = np.repeat(samples()[:, None], 2, axis=1)
    mixed = asyncio.run(said_in(server_url, f"{LINEAR}&channels=2", pcm16(twice)))
    assert right(final_text(mixed))


@pytest.mark.parametrize("encoding", ["mulaw", "linear32"])
def test_other_encodings_are_understood(server_url: str, encoding: str) -> None:
    audio = samples(rate=8_000)
    data = audio.astype("<f4").tobytes() if encoding == "linear32" else ulaw(audio)
    messages = asyncio.run(said_in(server_url, f"encoding={encoding}&sample_rate=8000", data))
    assert right(final_text(messages))


def test_without_endpointing_nothing_is_the_end_of_speech(server_url: str) -> None:
    data = pcm16(samples(after_s=2.0))
    query = f"{LINEAR}&endpointing=false&utterance_end_ms=1000&interim_results=true"
    messages = asyncio.run(said_in(server_url, query, data))
    assert right(final_text(messages))
    assert not results(messages, speech_final=True)
    (end,) = [one for one in messages if one["type"] == "UtteranceEnd"]
    assert end["last_word_end"] < 4.4
    assert messages.index(end) > messages.index(results(messages, is_final=True)[-1])
    plain = asyncio.run(said_in(server_url, f"{LINEAR}&endpointing=false", data))
    assert right(final_text(plain))


def test_a_tiny_endpointing_does_not_cut_sentences(server_url: str) -> None:
    messages = asyncio.run(
        said_in(server_url, f"{LINEAR}&endpointing=25", pcm16(samples(after_s=1)))
    )
    assert len([one for one in results(messages, speech_final=True) if text_of(one)]) <= 2
    assert right(final_text(messages))


def test_an_empty_message_ends_the_stream(server_url: str) -> None:
    async def play() -> None:
        async with talking(server_url) as socket:
            await socket.send(pcm16(samples()))
            await socket.send(b"")
            assert right(final_text(await rest(socket)))

    asyncio.run(play())


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "7",
        '{"type": "Configure"}',
        '{"type": ["Finalize"]}',
        '{"type":"Finalize","channel":3}',
    ],
)
def test_what_is_wrong_is_told_and_the_stream_goes_on(server_url: str, message: str) -> None:
    async def play() -> None:
        async with talking(server_url) as socket:
            await socket.send(message)
            told = await hear(socket)
            assert told["type"] == "Error"
            assert told["description"]
            await socket.send(json.dumps({"type": "Finalize"}))
            assert (await hear(socket))["from_finalize"] is True

    asyncio.run(play())


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("", 400, "container"),
        ("encoding=opus&sample_rate=48000", 400, "encoding"),
        ("encoding=linear16", 400, "sample_rate"),
        ("encoding=linear16&sample_rate=1", 400, "sample_rate"),
        (f"{LINEAR}&channels=99", 400, "channels"),
        (f"{LINEAR}&endpointing=soon", 400, "endpointing"),
        (f"{LINEAR}&model=canary", 404, "canary"),
    ],
)
def test_an_impossible_query_is_refused_with_the_reason(
    server_url: str, query: str, status: int, words: str
) -> None:
    async def play() -> None:
        with pytest.raises(InvalidStatus) as refused:
            async with talking(server_url, query):
                pass
        assert refused.value.response.status_code == status
        assert words in json.loads(refused.value.response.body or b"")["err_msg"]

    asyncio.run(play())


def test_keys_come_in_headers_and_in_subprotocols() -> None:
    async def play(url: str) -> None:
        offered = [Subprotocol("token"), Subprotocol("secret")]
        async with talking(url, subprotocols=offered) as socket:
            assert socket.subprotocol == "token"
            # There is room for one alone.
            async with talking(url, additional_headers={"Authorization": "Token secret"}) as more:
                told = await hear(more)
                assert told["type"] == "Error"
                with pytest.raises(ConnectionClosed):
                    await hear(more)
                assert more.close_code == 1013
        with pytest.raises(InvalidStatus) as refused:
            async with talking(url, additional_headers={"Authorization": "Token wrong"}):
                pass
        assert refused.value.response.status_code == 401

    with running_server(
        Settings(server=ServerOptions(api_keys=("secret",), max_sessions=1))
    ) as url:
        asyncio.run(play(url))


@pytest.mark.slow
def test_random_messages_hurt_nobody(caplog: pytest.LogCaptureFixture) -> None:
    random = np.random.default_rng(11)
    orders: list[Any] = ["KeepAlive", "Finalize", "CloseStream", "", None, 3, [], {}]

    def message() -> str | bytes:
        if random.random() < 0.6:
            return random.bytes(int(random.integers(1, 4_000)))
        kind = orders[int(random.integers(len(orders)))]
        text = json.dumps({"type": kind, "channel": orders[int(random.integers(len(orders)))]})
        return text if random.random() < 0.8 else text[:7]

    async def storm(url: str, encoding: str) -> None:
        query = f"encoding={encoding}&sample_rate=8000&interim_results=true&channels=3"
        async with talking(url, query) as socket:
            for _ in range(100):
                await socket.send(message())
            socket.transport.abort()

    async def play(url: str) -> None:
        encodings = ("linear16", "linear32", "mulaw", "alaw") * 2
        storms = asyncio.gather(*(storm(url, one) for one in encodings), return_exceptions=True)
        messages = await said_in(url, LINEAR, pcm16(samples()))
        ends = await storms
        assert all(end is None or isinstance(end, ConnectionClosed) for end in ends)
        assert right(final_text(messages))

    with running() as (url, server):
        asyncio.run(play(url))
        asyncio.run(gone(server.service))
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
