"""What every route of the server shares: keys, origins, limits, ids, health."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from tests.support.server import Running, watched

CLIP = "examples/clips/garden.flac"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Running]:
    options = ServerOptions(
        api_keys=("sesame", "other"), max_upload_mb=0.2, cors_origins=("https://good.example",)
    )
    with watched(replace(Settings(), server=options)) as running:
        yield running


def test_the_process_lives_and_is_ready(server: Running) -> None:
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/health").json() == {"status": "ok"}
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_a_client_may_name_its_request(server: Running) -> None:
    named = httpx.get(f"{server.url}/healthz", headers={"x-request-id": "call-7"})
    assert named.headers["x-request-id"] == "call-7"


def test_an_id_that_could_forge_a_log_line_is_replaced(server: Running) -> None:
    forged = httpx.get(f"{server.url}/healthz", headers={"x-request-id": "a b\tc"})
    assert forged.headers["x-request-id"] not in ("", "a b\tc")


def test_metrics_count_requests_by_route_not_by_path(server: Running) -> None:
    httpx.get(f"{server.url}/v1/models/any/thing")
    text = httpx.get(f"{server.url}/metrics").text
    assert 'route="/v1/models/{name:path}",status="404"' in text
    assert "any/thing" not in text


def test_the_settings_are_shown_with_secrets_masked(guarded: Running) -> None:
    answer = httpx.get(f"{guarded.url}/debug/cfg", headers={"x-api-key": "sesame"})
    assert answer.json()["server.api_keys"] == "********"
    assert "sesame" not in answer.text


def test_the_list_of_models_says_which_is_for_demonstration(server: Running) -> None:
    listed = httpx.get(f"{server.url}/v1/models").json()["data"]
    assert [(one["id"], one["demonstration"]) for one in listed] == [("tiny", True)]
    assert httpx.get(f"{server.url}/v1/models/tiny").json()["demonstration"]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer sesame"},
        {"authorization": "Token other"},
        {"authorization": "bearer sesame"},
        {"x-api-key": "sesame"},
    ],
)
def test_a_key_opens_in_every_form(guarded: Running, headers: dict[str, str]) -> None:
    assert httpx.get(f"{guarded.url}/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Basic sesame"}]
)
def test_without_a_key_the_answer_is_openais_401(guarded: Running, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{guarded.url}/v1/models", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_health_needs_no_key(guarded: Running) -> None:
    for path in ("healthz", "readyz", "metrics"):
        assert httpx.get(f"{guarded.url}/{path}").status_code == 200


def test_an_upload_that_promises_too_much_is_refused_before_it_comes(guarded: Running) -> None:
    answer = httpx.post(
        f"{guarded.url}/v1/audio/transcriptions",
        headers={"x-api-key": "sesame"},
        files={"file": ("a.wav", b"0" * 300_000)},
    )
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "upload_too_large"


def test_an_upload_of_unknown_length_is_cut_off_at_the_limit(guarded: Running) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(40):
            yield b"0" * 10_000
        yield b"\r\n--x--\r\n"

    answer = httpx.post(
        f"{guarded.url}/v1/audio/transcriptions",
        headers={"x-api-key": "sesame", "content-type": "multipart/form-data; boundary=x"},
        content=body(),
    )
    assert answer.status_code == 413


def test_pages_of_named_origins_only_may_read_answers(guarded: Running) -> None:
    def allowed(origin: str) -> str | None:
        answer = httpx.get(f"{guarded.url}/healthz", headers={"origin": origin})
        found: str | None = answer.headers.get("access-control-allow-origin")
        return found

    assert allowed("https://good.example") == "https://good.example"
    assert allowed("https://bad.example") is None


def test_by_default_no_page_may_read_answers(server: Running) -> None:
    answer = httpx.get(f"{server.url}/healthz", headers={"origin": "https://good.example"})
    assert "access-control-allow-origin" not in answer.headers


def test_an_unknown_path_is_an_error_in_the_form_of_its_protocol(server: Running) -> None:
    assert httpx.get(f"{server.url}/v1/nothing").json()["error"]["type"] == "not_found_error"
    assert httpx.get(f"{server.url}/nothing").json() == {"detail": "Not Found"}


def test_the_openapi_page_is_there(server: Running) -> None:
    assert httpx.get(f"{server.url}/docs").status_code == 200
    paths = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    assert "/v1/audio/transcriptions" in paths
