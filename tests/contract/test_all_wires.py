"""What holds on every wire alike: keys, origins, places, metrics, leaving, the server's end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from websockets.exceptions import InvalidStatus

from eclectus.apps.server.app import WIRES
from eclectus.apps.server.common.conversation import Call, Conversation, Keys
from eclectus.apps.server.common.live_runner import let_in_unkeyed
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.wyoming.wyoming_server import WyomingConversation
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import pcm16, samples
from tests.support.ears import wait_until
from tests.support.live_wires import LIVE_WIRES, Json, LiveWire, Talk
from tests.support.server import Running, watched

KEY = "sesame"
OPEN_PATHS = {"/", "/web/files/{name}", "/healthz", "/health", "/readyz", "/metrics"}
ALL = pytest.mark.parametrize("wire", LIVE_WIRES.values(), ids=LIVE_WIRES.keys())


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    """A server with a key and a single place."""
    options = ServerOptions(api_keys=(KEY,), max_sessions=1, wyoming_port=0, max_upload_mb=0.2)
    with watched(Settings(server=options)) as found:
        yield found


def errors(server: Running) -> float:
    """How many errors the metrics have counted, of all kinds."""
    text = httpx.get(f"{server.url}/metrics").text
    counts = re.findall(r"^eclectus_errors_total\{.*\} (\S+)", text, re.MULTILINE)
    return sum(map(float, counts))


def heard_until(talk: Talk, holds: Any) -> Json:
    """The first message of which something holds."""
    while (message := talk.hear()) is not None:
        if holds(message):
            return message
    raise AssertionError("the server has closed")


def rest(talk: Talk) -> list[Json]:
    """All messages up to the close."""
    found = []
    while (message := talk.hear()) is not None:
        found.append(message)
    return found


def speech() -> bytes:
    return pcm16(samples())


@contextmanager
def in_work(server: Running, wire: LiveWire, key: str | None = None) -> Iterator[Talk]:
    """A client that has a place and speaks; it vanishes at the end."""
    wait_until(lambda: server.service.sessions == 0)
    talk = wire.enter(server, key)
    talk.send(wire.audio(speech()))
    try:
        heard_until(talk, wire.begun)
        wait_until(lambda: server.service.sessions == 1)
        yield talk
    finally:
        talk.vanish()


def test_the_table_of_live_wires_is_complete() -> None:
    names = {kind.protocol for wire in WIRES for kind in wire.live.values()}
    assert names | {WyomingConversation.protocol} == LIVE_WIRES.keys()


def routes_of(routers: Any) -> list[APIRoute]:
    found = [route for router in routers for route in router.routes]
    assert all(isinstance(route, APIRoute) for route in found)
    return found


def test_every_request_but_a_few_named_ones_wants_the_key(guarded: Running) -> None:
    for wire in WIRES:
        for route in routes_of(wire.routes):
            path = re.sub(r"\{[^}]*\}", "x", route.path)
            for method in route.methods or ():
                answer = httpx.request(method, guarded.url + path)
                assert answer.status_code == 401, (method, path)
                assert "API key" in json.dumps(answer.json())
    open_routes = [route for wire in WIRES for route in routes_of(wire.open_routes)]
    assert {route.path for route in open_routes} == OPEN_PATHS


def test_errors_have_the_shape_of_their_wire_whatever_refuses(guarded: Running) -> None:
    shapes = {
        "/v1/audio/transcriptions": {"error"},
        "/v1/listen": {"err_code", "err_msg"},
        "/inference": {"error"},
        "/transcribe": {"detail"},
        "/web/transcribe": {"detail"},
    }
    for path, fields in shapes.items():
        assert set(httpx.post(guarded.url + path).json()) == fields
        # This one is refused before any route has the request.
        refused = httpx.post(guarded.url + path, content=b"0" * 300_000)
        assert (refused.status_code, set(refused.json())) == (413, fields)
    assert isinstance(httpx.get(f"{guarded.url}/v1/nothing").json()["error"], dict)
    assert set(httpx.get(f"{guarded.url}/v1/listen/nothing").json()) == {"err_code", "err_msg"}


@ALL
def test_without_a_key_there_is_no_place(guarded: Running, wire: LiveWire) -> None:
    wait_until(lambda: guarded.service.sessions == 0)
    before = errors(guarded)
    if wire.key is None:
        with in_work(guarded, wire):
            return
    if wire.key == "header":
        for wrong in (None, "wrong"):
            with pytest.raises(InvalidStatus) as refused:
                wire.open(guarded, wrong)
            assert refused.value.response.status_code == 401
    else:
        for wrong in (None, "wrong"):
            (told,) = rest(wire.enter(guarded, wrong))
            assert "API key" in (wire.refusal(told) or "")
    assert errors(guarded) == before + 2
    assert guarded.service.sessions == 0
    with in_work(guarded, wire, KEY):
        pass


@ALL
def test_pages_of_strange_sites_are_refused(guarded: Running, wire: LiveWire) -> None:
    if wire.path is None:
        return  # no browser speaks TCP
    before = errors(guarded)
    with pytest.raises(InvalidStatus) as refused:
        wire.open(guarded, KEY, "http://elsewhere.example")
    assert refused.value.response.status_code == 403
    assert errors(guarded) == before + 1
    wire.open(guarded, KEY, guarded.url).vanish()


@ALL
def test_a_full_house_is_told_counted_and_closed(guarded: Running, wire: LiveWire) -> None:
    with in_work(guarded, wire, KEY):
        before = errors(guarded)
        talk = wire.enter(guarded, KEY)
        told = rest(talk)
    assert any("busy" in (wire.refusal(message) or "") for message in told)
    assert talk.code == (None if wire.path is None else 1013)
    assert errors(guarded) == before + 1


@ALL
@pytest.mark.parametrize("finished", [False, True], ids=["while it speaks", "after its end"])
def test_a_client_that_vanishes_frees_its_place(
    guarded: Running, wire: LiveWire, finished: bool
) -> None:
    with in_work(guarded, wire, KEY) as talk:
        if finished and wire.finish is not None:
            talk.send(wire.audio(speech() * 20))
            talk.send(wire.finish)
    wait_until(lambda: guarded.service.sessions == 0)


@ALL
def test_a_message_that_means_nothing_is_no_failure_of_the_server(
    guarded: Running, wire: LiveWire, caplog: pytest.LogCaptureFixture
) -> None:
    wait_until(lambda: guarded.service.sessions == 0)
    talk = wire.enter(guarded, KEY)
    for message in ("[" * 5_000, '{"a":' * 40 + "1" + "}" * 40, "x" * 100_000):
        try:
            talk.send(message)
        except Exception:  # noqa: BLE001 - closed at the first, as some wires do
            break
    talk.vanish()
    wait_until(lambda: guarded.service.sessions == 0)
    assert not [one for one in caplog.records if one.exc_info]


@ALL
def test_the_end_of_the_server_has_the_closing_message_of_the_wire(wire: LiveWire) -> None:
    options = ServerOptions(grace_s=2.0, wyoming_port=0)
    with watched(Settings(server=options)) as server:
        talk = wire.enter(server)
        talk.send(wire.audio(speech()))
        heard_until(talk, wire.begun)
        server.server.should_exit = True
        told = rest(talk)
    assert wire.last(told[-1]), told[-3:]
    expected = {"realtime": 1013, "wyoming": None}
    name = next(name for name, one in LIVE_WIRES.items() if one is wire)
    assert talk.code == expected.get(name, 1000)


class _Forgetful(Conversation[SocketCall]):
    """A conversation that says nothing of keys."""

    protocol = "forgetful"

    def __init__(self, call: SocketCall) -> None:
        self.call = call

    async def run(self) -> int:
        return 1000

    async def fail(self, error: Exception) -> None:
        raise error


def test_a_wire_that_says_nothing_of_keys_wants_them(guarded: Running) -> None:
    assert _Forgetful.keys is Keys.HANDSHAKE
    call = Call(guarded.service, "forgetful")
    with pytest.raises(RuntimeError, match="not admitted"):
        call.request(sample_rate=16_000)
    with pytest.raises(RuntimeError, match="needs a key"):
        let_in_unkeyed(call, _Forgetful, "127.0.0.1")


def test_routes_that_take_any_path_come_last_whatever_the_order() -> None:
    from fastapi import FastAPI

    from eclectus.apps.server.common.wire import Wire, Wires

    greedy = Wire(name="greedy", live={"/{path:path}": _Forgetful})
    modest = Wire(name="modest", routes=(APIRouter(),), live={"/modest": _Forgetful})
    app = FastAPI()
    Wires([greedy, modest]).install(app)
    paths = [getattr(route, "path", "") for route in app.router.routes]
    assert paths[-2:] == ["/modest", "/{path:path}"]


def test_audio_of_the_tests_is_heard() -> None:
    assert np.abs(np.frombuffer(speech(), "<i2")).max() > 1_000
