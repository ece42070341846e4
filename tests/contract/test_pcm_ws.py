"""`/ws`, as clients of the FastAPI services use it."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.connection import Connection
from websockets.typing import Origin

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import right
from tests.support.ears import Json, clip, opened, wait_until
from tests.support.server import Running, watched

RATE = 16_000


def as_int16(rate: int = RATE) -> bytes:
    both = np.concatenate([clip("garden", rate), clip("temper", rate)])
    return (both * 32_767).astype("<i2").tobytes()


def push(ws: Connection, data: bytes, size: int = 3_200) -> None:
    for start in range(0, len(data), size):
        ws.send(data[start : start + size])


def hear_all(ws: Connection) -> list[Json]:
    heard: list[Json] = []
    try:
        while True:
            heard.append(json.loads(ws.recv(timeout=60)))
    except ConnectionClosed:
        return heard


def talk(url: str, data: bytes, size: int = 3_200, stop: str = "stop") -> list[Json]:
    with opened(url) as ws:
        push(ws, data, size)
        ws.send(stop)
        heard = hear_all(ws)
    assert ws.close_code == 1000
    return heard


def finals(heard: list[Json]) -> list[str]:
    return [message["text"] for message in heard if message["is_final"]]


def test_each_utterance_grows_and_becomes_final(server: Running) -> None:
    heard = talk(server.ws + "/ws", as_int16())
    assert all(set(message) == {"text", "is_final"} for message in heard)
    assert any(not message["is_final"] for message in heard)
    told = finals(heard)
    assert right(told[0])
    assert right(told[1], "temper", share=0.3)
    # The draft before a final began as the final does.
    place = [message["is_final"] for message in heard].index(True)
    assert heard[place - 1]["text"].split()[0] == told[0].split()[0]


@pytest.mark.parametrize("size", [7, 333, 1 << 20])
def test_the_bytes_may_come_in_any_pieces(server: Running, size: int) -> None:
    data = as_int16()[: 2 * 3 * RATE] if size < 10 else as_int16()
    assert right(finals(talk(server.ws + "/ws", data, size))[0], share=0.3)


@pytest.mark.parametrize("stop", ["stop", " STOP ", '{"type":"stop"}', '{"type": "Stop"}'])
def test_stop_has_a_last_final_even_if_nothing_was_said(server: Running, stop: str) -> None:
    assert talk(server.ws + "/ws", b"\0" * 32_000, stop=stop) == [{"text": "", "is_final": True}]


def test_stop_within_speech_makes_it_final(server: Running) -> None:
    told = finals(talk(server.ws + "/ws", as_int16()[: 2 * 3 * RATE]))
    assert len(told) == 1
    assert right(told[0], share=0.3)


def test_a_stall_makes_the_open_utterance_final(server: Running) -> None:
    with opened(server.ws + "/ws") as ws:
        push(ws, as_int16()[: 2 * 3 * RATE])
        while not (message := json.loads(ws.recv(timeout=60)))["is_final"]:
            pass
        assert right(message["text"], share=0.3)


@pytest.mark.parametrize(
    ("query", "kind", "rate"),
    [("?sample_rate=48000", "<i2", 48_000), ("?encoding=f32le&sample_rate=24000", "<f4", 24_000)],
)
def test_rate_and_encoding_may_be_told(server: Running, query: str, kind: str, rate: int) -> None:
    samples = clip("garden", rate)
    data = (samples * 32_767 if kind == "<i2" else samples).astype(kind).tobytes()
    assert right(finals(talk(f"{server.ws}/ws{query}", data))[0])


@pytest.mark.parametrize(
    "query",
    ["sample_rate=0", "sample_rate=-1", "sample_rate=" + "9" * 5000, "sample_rate=x", "encoding=g"],
)
def test_what_is_impossible_is_told_and_closes(server: Running, query: str) -> None:
    with opened(f"{server.ws}/ws?{query}") as ws:
        heard = hear_all(ws)
    assert [set(message) for message in heard] == [{"error"}]
    assert ws.close_code == 1008
    wait_until(lambda: server.service.sessions == 0)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", '{"type":1}', "x" * 9_000, "[" * 4_000])
def test_other_text_is_ignored(server: Running, text: str) -> None:
    with opened(server.ws + "/ws") as ws:
        ws.send(text)
        ws.send("stop")
        assert hear_all(ws) == [{"text": "", "is_final": True}]


def test_nothing_counts_after_stop(server: Running) -> None:
    with opened(server.ws + "/ws") as ws:
        ws.send("stop")
        with contextlib.suppress(ConnectionClosed):
            push(ws, as_int16())
        assert hear_all(ws) == [{"text": "", "is_final": True}]


def test_who_finds_no_place_is_told() -> None:
    with watched(Settings(server=ServerOptions(max_sessions=1))) as server:
        with opened(server.ws + "/ws") as inside:
            inside.send(b"\0" * 3200)
            wait_until(lambda: server.service.sessions == 1)
            with opened(server.ws + "/ws") as ws:
                assert "busy" in hear_all(ws)[0]["error"]
            assert ws.close_code == 1013
        wait_until(lambda: server.service.sessions == 0)


def test_strange_pages_may_not_use_it(server: Running) -> None:
    elsewhere = Origin("http://elsewhere.example")
    with pytest.raises(InvalidStatus), connect(server.ws + "/ws", origin=elsewhere):
        pass
    wait_until(lambda: server.service.sessions == 0)
