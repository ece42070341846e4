"""eaRS' listener mode: following the streams of others."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest
from websockets.sync.connection import Connection

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import right
from tests.support.ears import (
    Json,
    clip,
    hear,
    hear_all,
    hear_until,
    opened,
    push,
    say,
    wait_until,
)
from tests.support.server import Running, watched

TOKEN = "a token of nine words"


@pytest.fixture(scope="module")
def listened() -> Iterator[Running]:
    with watched(Settings(server=ServerOptions(listener_tokens=("other", TOKEN)))) as server:
        yield server


def ask(ws: Connection, **message: object) -> Json:
    say(ws, **message)
    return hear(ws)


def authenticate(ws: Connection) -> None:
    assert ask(ws, type="authenticate", token=TOKEN) == {"type": "authenticated", "success": True}


def test_a_listener_gets_copies_of_words_and_final(listened: Running) -> None:
    with opened(listened.ws) as speaker, opened(listened.ws) as listener:
        say(speaker, type="getstatus")
        hear_until(speaker, "status")
        authenticate(listener)
        streams = ask(listener, type="liststreams")["stream_ids"]
        assert len(streams) == 1
        subscribed = {"type": "subscribed", "stream_id": streams[0]}
        assert ask(listener, type="subscribe", stream_id=streams[0]) == subscribed
        assert ask(listener, type="subscribe", stream_id=streams[0]) == subscribed
        push(speaker, clip("garden"))
        say(speaker, type="stop")
        told = hear_all(speaker)
        assert hear_until(listener, "final") == told
        assert ask(listener, type="liststreams") == {"type": "streams", "stream_ids": []}
    wait_until(lambda: listened.service.sessions == 0)


def test_a_listener_gets_plain_copies_of_an_extended_stream(listened: Running) -> None:
    with opened(f"{listened.ws}/?extensions=confidence,segment") as speaker:
        say(speaker, type="getstatus")
        hear_until(speaker, "status")
        with opened(listened.ws) as listener:
            authenticate(listener)
            (stream,) = ask(listener, type="liststreams")["stream_ids"]
            ask(listener, type="subscribe", stream_id=stream)
            push(speaker, clip("garden"))
            say(speaker, type="stop")
            copies = hear_until(listener, "final")
    assert {copy["type"] for copy in copies} == {"word", "final"}
    assert all("confidence" not in copy for copy in [*copies, *copies[-1]["words"]])


def test_nothing_works_before_the_token_and_a_wrong_one_does_not_help(listened: Running) -> None:
    with opened(listened.ws) as ws:
        refused = {"type": "error", "message": "not authenticated"}
        assert ask(ws, type="liststreams") == refused
        assert ask(ws, type="authenticate", token="") == {
            "type": "error",
            "message": "invalid token",
        }
        assert ask(ws, type="subscribe", stream_id=1) == refused
        authenticate(ws)
        authenticate(ws)
        assert ask(ws, type="liststreams") == {"type": "streams", "stream_ids": []}
        assert ask(ws, type="subscribe", stream_id=99) == {
            "type": "error",
            "message": "subscription failed: Stream 99 not found",
        }


def test_a_listener_takes_no_place_and_its_other_messages_are_ignored(listened: Running) -> None:
    with opened(listened.ws) as ws:
        authenticate(ws)
        ws.send(b"\0" * 4000)
        ws.send("stop")
        say(ws, type="getstatus")
        assert ask(ws, type="liststreams") == {"type": "streams", "stream_ids": []}
        assert listened.service.sessions == 0


def test_a_session_may_turn_out_to_be_a_listener_until_its_first_audio(listened: Running) -> None:
    with opened(listened.ws) as ws:
        say(ws, type="setengine", engine="kyutai")
        hear_until(ws, "error")
        authenticate(ws)
        wait_until(lambda: listened.service.sessions == 0)
    with opened(listened.ws) as ws:
        push(ws, clip("garden")[:2400])
        say(ws, type="authenticate", token=TOKEN)
        say(ws, type="stop")
        assert [message["type"] for message in hear_all(ws)] == ["enginechanged", "final"]


def test_a_server_without_tokens_says_so_and_goes_on(server: Running) -> None:
    off = {"type": "error", "message": "listener mode is disabled"}
    with opened(server.ws) as ws:
        assert ask(ws, type="authenticate", token=TOKEN) == off
        assert ask(ws, type="getstatus")["type"] == "enginechanged"
        assert hear(ws)["type"] == "status"
        assert ask(ws, type="liststreams") == off
        push(ws, clip("garden"))
        say(ws, type="stop")
        assert right(hear_all(ws)[-1]["text"])


def test_a_listener_that_leaves_or_does_not_read_does_not_hold_the_stream_up(
    listened: Running,
) -> None:
    with contextlib.ExitStack() as others, opened(listened.ws) as speaker:
        say(speaker, type="getstatus")
        hear_until(speaker, "status")
        for _ in range(3):
            with opened(listened.ws) as ws:
                authenticate(ws)
                (stream,) = ask(ws, type="liststreams")["stream_ids"]
                ask(ws, type="subscribe", stream_id=stream)
        deaf = others.enter_context(opened(listened.ws))
        authenticate(deaf)
        ask(deaf, type="subscribe", stream_id=stream)
        heard: list[Json] = []
        ears = threading.Thread(target=lambda: heard.extend(hear_all(speaker)))
        ears.start()
        push(speaker, clip("garden"))
        say(speaker, type="stop")
        ears.join()
    assert heard[-1]["type"] == "final"
