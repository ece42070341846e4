"""eaRS and /ws under clients that do everything wrong: nothing leaks, nobody else notices."""

from __future__ import annotations

import contextlib
import json
import logging
import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.connection import Connection

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import right
from tests.support.ears import (
    clip,
    hear_all,
    opened,
    push,
    say,
    transcribed,
    wait_until,
)
from tests.support.server import Running, watched


@dataclass
class Rest:
    """A server, and how it was when nobody was there."""

    server: Running
    tasks: int

    def returns(self) -> None:
        """Wait until it is so again."""
        wait_until(lambda: self.server.service.sessions == 0)
        wait_until(lambda: self.server.tasks() <= self.tasks)


@pytest.fixture(scope="module")
def hostile() -> Iterator[Rest]:
    options = ServerOptions(listener_tokens=("token",), max_buffered_s=5.0, vad_messages=True)
    with watched(Settings(server=options)) as server:
        transcribed(server.ws, clip("garden"))  # pools of threads are there from now on
        wait_until(lambda: server.service.sessions == 0)
        yield Rest(server, server.tasks())


KINDS = (
    "restart",
    "setengine",
    "setlanguage",
    "getstatus",
    "setvadtimeout",
    "pause",
    "resume",
    "configure",
    "authenticate",
    "liststreams",
    "subscribe",
    "nonsense",
)
NAMES = ("engine", "lang", "seconds", "token", "stream_id", "extensions")
VALUES: tuple[object, ...] = ("x", "parakeet", 1, -1, 2**70, 1.5, None, [], [[]], {}, True, "token")
PIECES: tuple[Callable[[random.Random], str | bytes], ...] = (
    lambda dice: dice.randbytes(dice.choice([0, 1, 2, 3, 4, 5, 7, 4096, 70_001])),
    lambda dice: clip("temper")[: dice.randrange(1, 30_000)].tobytes(),
    lambda dice: json.dumps({"type": dice.choice(KINDS), dice.choice(NAMES): dice.choice(VALUES)}),
    lambda dice: dice.choice(["", "{", "stop?", "\0", '{"type":{}}', "[" * 2000, "\U0010ffff" * 9]),
)


@pytest.fixture(autouse=True)
def _without_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever clients do is no failure of the server."""
    yield
    ours = ("uvicorn", "asyncio", "eclectus")
    loud = [one for one in caplog.get_records("call") if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in loud if one.name.startswith(ours)] == []


def misbehave(ws: Connection, dice: random.Random) -> None:
    with contextlib.suppress(ConnectionClosed):
        for _ in range(dice.randrange(1, 40)):
            ws.send(dice.choice(PIECES)(dice))
        if dice.random() < 0.5:
            say(ws, type="stop")
            hear_all(ws)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/ws"])
def test_random_messages_leave_nothing_behind(hostile: Rest, path: str) -> None:
    for seed in range(12):
        with opened(hostile.server.ws + path) as ws:
            misbehave(ws, random.Random(seed))
    hostile.returns()


def test_a_neighbour_hears_the_same_words_as_alone(hostile: Rest) -> None:
    def words() -> list[str]:
        final = transcribed(hostile.server.ws, clip("garden"), 1 << 20)[-1]
        return [word["word"] for word in final["words"]]

    alone = words()
    with contextlib.ExitStack() as strangers:
        for place, path in enumerate(("/", "/ws", "/x")):
            ws = strangers.enter_context(opened(hostile.server.ws + path))
            dice = random.Random(place)
            for _ in range(15):
                ws.send(dice.choice(PIECES)(dice))
        together = words()
    assert together == alone
    hostile.returns()


@pytest.mark.parametrize("path", ["/", "/ws"])
@pytest.mark.parametrize("sent", [0, 1, 5, 30, 60])
def test_who_vanishes_at_any_point_leaves_nothing_behind(
    hostile: Rest, path: str, sent: int
) -> None:
    with opened(hostile.server.ws + path) as ws:
        push(ws, clip("garden")[: sent * 1_920])
        if sent == 60:
            say(ws, type="stop")
        # A reset, not a farewell.
        ws.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        ws.close_socket()
        hostile.returns()


def test_half_a_handshake_and_half_a_frame_leave_nothing_behind(hostile: Rest) -> None:
    host, port = hostile.server.url.removeprefix("http://").split(":")
    for data in (b"", b"GET / HT", _HANDSHAKE, _HANDSHAKE + b"\x82\xff\x00", b"\x82\x05\0\0"):
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(data)
    hostile.returns()


_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.slow
def test_a_client_that_floods_and_never_reads_holds_nobody_up(hostile: Rest) -> None:
    with opened(hostile.server.ws) as ws:
        for _ in range(3_000):
            ws.send(b"\0" * 8)
            say(ws, type="getstatus")
        assert transcribed(hostile.server.ws, clip("garden"))[-1]["type"] == "final"
    hostile.returns()


def test_audio_waits_in_the_socket_when_too_much_is_ahead(hostile: Rest) -> None:
    """The server keeps 5 s here; a minute that is pushed at once arrives whole all the same."""
    parts = [clip("garden"), clip("temper")] * 4
    with opened(hostile.server.ws) as ws:
        for part in parts:
            push(ws, part, 1 << 19)
        say(ws, type="stop")
        heard = hear_all(ws)
    assert right(heard[-1]["text"], *["garden", "temper"] * 4)
    hostile.returns()
