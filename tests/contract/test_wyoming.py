"""Wyoming: Home Assistant's own client, and the edges of the framing."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import numpy as np
import pytest
from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, async_read_event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from eclectus.apps.server.common.binding import bind
from eclectus.apps.server.run import Server, make_server
from eclectus.apps.server.wyoming.wyoming_server import WyomingServer
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.core.errors import OptionError
from eclectus.core.types import FloatArray
from tests.support.clips import pcm16, pieces, right, samples
from tests.support.server import running
from tests.support.streams import gone

PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    settings = Settings(server=ServerOptions(wyoming_port=0, max_sessions=4, grace_s=0.2))
    with running(settings) as (_, found):
        yield found


def port_of(server: Server) -> int:
    assert server.wyoming_port
    return server.wyoming_port


async def hear(client: AsyncTcpClient) -> Event:
    async with asyncio.timeout(PATIENCE_S):
        event = await client.read_event()
    assert event is not None, "the server closed the connection"
    return event


async def say(
    client: AsyncTcpClient, data: bytes, rate: int = 16_000, width: int = 2, channels: int = 1
) -> None:
    await client.write_event(AudioStart(rate, width, channels).event())
    for piece in pieces(data, 4_001 * width * channels):
        await client.write_event(AudioChunk(rate, width, channels, piece).event())
    await client.write_event(AudioStop().event())


async def transcript(client: AsyncTcpClient) -> tuple[str, list[Event]]:
    events = [await hear(client)]
    while not TranscriptStop.is_type(events[-1].type):
        events.append(await hear(client))
    (found,) = [Transcript.from_event(one) for one in events if Transcript.is_type(one.type)]
    return found.text, events


@asynccontextmanager
async def raw(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def test_describe_tells_what_home_assistant_reads(server: Server) -> None:
    async def play() -> None:
        async with AsyncTcpClient("127.0.0.1", port_of(server)) as client:
            await client.write_event(Describe().event())
            info = Info.from_event(await hear(client))
            (program,) = info.asr
            assert program.installed
            assert program.supports_transcript_streaming
            (model,) = program.models
            assert model.name == "tiny"
            assert model.installed
            assert model.languages == ["en"]
            await client.write_event(Ping("hello").event())
            assert Pong.from_event(await hear(client)).text == "hello"

    asyncio.run(play())


def test_audio_becomes_pieces_that_join_to_the_transcript(server: Server) -> None:
    async def play() -> None:
        async with AsyncTcpClient("127.0.0.1", port_of(server)) as client:
            for name in ("garden", "temper"):  # one request after another
                await client.write_event(Transcribe(name="tiny", language="en").event())
                await say(client, pcm16(samples(name)))
                text, events = await transcript(client)
                assert right(text, name)
                assert TranscriptStart.is_type(events[0].type)
                assert Transcript.from_event(events[-2]).language == "en"
                chunks = [TranscriptChunk.from_event(one).text for one in events[1:-2]]
                assert len(chunks) > 1
                assert "".join(chunks) == text

    asyncio.run(play())


def wide(audio: FloatArray, width: int) -> bytes:
    if width == 1:
        return np.round(audio * 127 + 128).astype(np.uint8).tobytes()
    level = np.round(audio.astype(np.float64) * (2 ** (8 * width - 1) - 1)).astype("<i4")
    return b"".join(int(one).to_bytes(width, "little", signed=True) for one in level)


@pytest.mark.parametrize(
    ("rate", "width", "channels"), [(8_000, 4, 1), (22_050, 3, 1), (44_100, 2, 2), (16_000, 1, 1)]
)
def test_any_rate_width_and_number_of_channels_is_taken(
    server: Server, rate: int, width: int, channels: int
) -> None:
    audio = np.repeat(np.clip(samples(rate=rate), -1, 1), channels)

    async def play() -> None:
        async with AsyncTcpClient("127.0.0.1", port_of(server)) as client:
            await say(client, wide(audio, width), rate, width, channels)
            text, _ = await transcript(client)
            # Eight bits are noisy.
            assert right(text, share=0.3 if width == 1 else 0.6)

    asyncio.run(play())


def test_without_speech_the_transcript_is_empty(server: Server) -> None:
    async def play() -> None:
        async with AsyncTcpClient("127.0.0.1", port_of(server)) as client:
            for data in (b"", bytes(64_000)):
                await say(client, data)
                text, events = await transcript(client)
                assert text == ""
                assert len(events) == 3

    asyncio.run(play())


def test_data_may_stand_in_the_header(server: Server) -> None:
    async def play() -> None:
        async with raw(server) as (reader, writer):
            audio = pcm16(samples())
            form = {"rate": 16_000, "width": 2, "channels": 1}
            writer.write(json.dumps({"type": "audio-start", "data": form}).encode() + b"\n")
            header = {"type": "audio-chunk", "data": form, "payload_length": len(audio)}
            writer.write(json.dumps(header).encode() + b"\n" + audio)
            writer.write(b'{"type": "ping", "data": {"text": 7}}\n{"type": "audio-stop"}\n')
            kinds = []
            while "transcript" not in kinds:
                event = await async_read_event(reader)
                assert event is not None
                kinds.append(event.type)
            assert "pong" in kinds

    asyncio.run(play())


FORM = b'"rate": 16000, "width": 2, "channels": 1'
START = b'{"type": "audio-start", "data": {' + FORM + b"}}\n"


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\n",
        b"[]\n",
        b'{"type": 3}\n',
        b'{"type": "ping", "data": []}\n',
        b'{"type": "ping", "data": [1]}\n',
        b'{"type": "ping", "data_length": 99999999}\n',
        b'{"type": "ping", "data_length": -1}\n',
        b'{"type": "ping", "payload_length": 1e9}\n',
        b'{"type": "ping", "data_length": 3}\n[1]',
        b"{" * 70_000,
        b'{"type": "transcribe", "data": {"name": "canary"}}\n',
        b'{"type": "audio-start"}\n',
        b'{"type": "audio-start", "data": {"rate": 1, "width": 2, "channels": 1}}\n',
        START + b'{"type": "audio-chunk", "data": {"rate": 8000, "width": 2, "channels": 1}}\n',
        START + b"nonsense\n",
    ],
)
def test_what_cannot_be_understood_is_told_and_ends_the_connection(
    server: Server, data: bytes
) -> None:
    async def play() -> None:
        async with raw(server) as (reader, writer):
            writer.write(data)
            event = await async_read_event(reader)
            assert event is not None
            if TranscriptStart.is_type(event.type):
                event = await async_read_event(reader)
                assert event is not None
            told = Error.from_event(event)
            assert told.text
            assert told.code
            assert await reader.read() == b""

    asyncio.run(play())
    asyncio.run(gone(server.service))


def test_a_full_server_says_so(server: Server) -> None:
    async def play() -> None:
        clients = [AsyncTcpClient("127.0.0.1", port_of(server)) for _ in range(5)]
        for client in clients[:4]:
            await client.connect()
            await client.write_event(AudioStart(16_000, 2, 1).event())
            assert TranscriptStart.is_type((await hear(client)).type)
        await clients[4].connect()
        await clients[4].write_event(AudioStart(16_000, 2, 1).event())
        assert "server busy" in Error.from_event(await hear(clients[4])).text
        for client in clients:
            await client.disconnect()

    asyncio.run(play())
    asyncio.run(gone(server.service))


def test_random_bytes_and_broken_connections_hurt_nobody(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    random = np.random.default_rng(3)
    chunk = b'{"type": "audio-chunk", "data": {' + FORM + b'}, "payload_length": 800}\n'
    parts = [START, chunk + random.bytes(800), b'{"type": "audio-stop"}\n', b'{"type": "x"}\n']

    async def storm() -> None:
        async with raw(server) as (_, writer):
            for _ in range(30):
                part = parts[int(random.integers(len(parts)))]
                writer.write(part if random.random() < 0.9 else random.bytes(50))
                await writer.drain()

    async def play() -> None:
        for _ in range(10):
            storms = (storm() for _ in range(3))
            ends = await asyncio.gather(*storms, return_exceptions=True)
            assert all(end is None or isinstance(end, OSError) for end in ends)
        await gone(server.service)
        async with AsyncTcpClient("127.0.0.1", port_of(server)) as client:
            await say(client, pcm16(samples()))
            assert right((await transcript(client))[0])

    asyncio.run(play())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_a_client_that_says_nothing_is_sent_away(server: Server) -> None:
    async def play() -> None:
        listener = bind("127.0.0.1", 0)
        patient = WyomingServer(server.service, patience_s=0.05)
        async with patient.listening(listener), asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            assert await reader.read() == b""
            writer.close()

    asyncio.run(play())


def test_the_end_of_the_server_waits_for_a_request_under_way() -> None:
    settings = Settings(server=ServerOptions(wyoming_port=0))

    async def play(server: Server) -> None:
        async with AsyncTcpClient("127.0.0.1", port_of(server)) as client:
            await client.write_event(AudioStart(16_000, 2, 1).event())
            assert TranscriptStart.is_type((await hear(client)).type)
            server.should_exit = True
            while server.service.ready:
                await asyncio.sleep(0.01)
            for piece in pieces(pcm16(samples()), 8_000):
                await client.write_event(AudioChunk(16_000, 2, 1, piece).event())
            await client.write_event(AudioStop().event())
            assert right((await transcript(client))[0])

    with running(settings) as (_, server):
        asyncio.run(play(server))


def test_a_taken_port_is_told_at_once() -> None:
    with bind("127.0.0.1", 0) as taken, bind("127.0.0.1", 0) as own:
        taken.listen()
        port = taken.getsockname()[1]
        server = make_server(Settings(server=ServerOptions(wyoming_port=port)))
        with pytest.raises(OptionError, match=str(port)):
            asyncio.run(server.run_service([own]))
