"""What a page of another site can do with a server on the visitor's own machine: nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from eclectus.apps.server.common.host_guard import is_local
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.clips import DATA
from tests.support.server import Running, watched

FOREIGN = "http://evil.example"
CLIP = (DATA / "garden.flac").read_bytes()
READ = ["/", "/web/info", "/debug/cfg", "/v1/models", "/docs", "/metrics", "/healthz"]
LIVE = ["/", "/ws", "/web/live", "/v1/listen", "/v1/realtime"]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with watched(Settings()) as running:
        yield running


def ask(server: Running, path: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(server.url + path, headers=named)


@pytest.mark.parametrize("path", READ)
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "[::1].evil.example"]
)
def test_a_name_that_was_bent_to_this_machine_reads_nothing(
    server: Running, path: str, host: str
) -> None:
    refused = ask(server, path, host=host)
    assert refused.status_code == 421
    assert "allowed_hosts" in refused.text
    assert ask(server, path).status_code != 421


@pytest.mark.parametrize("path", LIVE)
def test_nor_does_it_speak(server: Running, path: str) -> None:
    port = int(server.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as raw, pytest.raises(InvalidStatus) as no:
        connect(f"ws://evil.example:{port}{path}", sock=raw)
    assert no.value.response.status_code == 403


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8765", "a.localhost"]
)
def test_local_names_are_the_server_s_own(server: Running, host: str) -> None:
    assert ask(server, "/healthz", host=host).status_code == 200


def test_a_public_name_is_allowed_by_the_settings() -> None:
    options = ServerOptions(allowed_hosts=("Speech.example",))
    with watched(Settings(server=options)) as running:
        assert ask(running, "/healthz", host="speech.example").status_code == 200
        assert ask(running, "/healthz", host="localhost").status_code == 200
        assert ask(running, "/healthz", host="other.example").status_code == 421


FORMS = [
    "/v1/audio/transcriptions",
    "/transcribe",
    "/inference",
    "/v1/listen",
    "/web/transcribe",
]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": FOREIGN},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_foreign_page_s_form_is_not_transcribed(
    server: Running, path: str, headers: dict[str, str]
) -> None:
    files = {"file": ("clip.flac", CLIP)}
    refused = httpx.post(server.url + path, files=files, headers=headers)
    assert refused.status_code == 403
    assert "cors_origins" in refused.text


def test_a_program_and_the_server_s_own_page_are_served(server: Running) -> None:
    for headers in ({}, {"origin": server.url}, {"sec-fetch-site": "same-origin"}):
        answer = httpx.post(
            server.url + FORMS[0], files={"file": ("clip.flac", CLIP)}, headers=headers
        )
        assert answer.status_code == 200


def test_a_link_from_another_site_opens_the_page(server: Running) -> None:
    assert ask(server, "/", sec_fetch_site="cross-site").status_code == 200


def test_what_is_local() -> None:
    assert all(
        map(
            is_local,
            ["localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"],
        )
    )
    assert not any(
        map(is_local, ["", "evil.example", "localhost.evil.example", "0.0.0.0", "10.0.0.1"])
    )
