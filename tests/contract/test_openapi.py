"""The OpenAPI document: what it says, and that no request, fitting or not, is an error here."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from eclectus.apps.server.app import create_app
from eclectus.config.schema import Settings
from eclectus.service.service import SpeechService

FILE_ROUTES = ("/v1/audio/transcriptions", "/transcribe", "/inference")
DOCUMENT = create_app(SpeechService(Settings())).openapi()
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
# Of the others, every request fits.
REFUSING = {*FILE_ROUTES, "/v1/listen"}
REQUESTS = [
    (path, method, mode)
    for path, methods in DOCUMENT["paths"].items()
    for method in methods
    for mode in GenerationMode
    if path != "/readyz"  # its 503 is no failure
    and (mode is GenerationMode.POSITIVE or path in REFUSING)
]


@pytest.mark.slow
@pytest.mark.parametrize(("path", "method", "mode"), REQUESTS)
def test_no_request_makes_the_server_fail(
    server_url: str, path: str, method: str, mode: GenerationMode
) -> None:
    operation = SCHEMA[path][method]
    with requests.Session() as session:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        def check(case: Case[Any]) -> None:
            answer = case.call(base_url=server_url, session=session, timeout=30)
            assert answer.status_code < 500, answer.text

        check()


@pytest.mark.parametrize("route", FILE_ROUTES)
def test_forms_are_described_with_their_file(server_url: str, route: str) -> None:
    paths = httpx.get(f"{server_url}/openapi.json").json()["paths"]
    form = paths[route]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["file"]["format"] == "binary"
    assert form["required"] == ["file"]
    assert all("description" in field for field in form["properties"].values())
    assert "$ref" not in str(form)


def test_openais_lists_have_their_brackets(server_url: str) -> None:
    paths = httpx.get(f"{server_url}/openapi.json").json()["paths"]
    form = paths[FILE_ROUTES[0]]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"timestamp_granularities[]", "include[]", "keywords[]"} <= form["properties"].keys()
    assert form["properties"]["timestamp_granularities[]"]["items"]["enum"] == ["word", "segment"]


def test_the_page_of_the_document_is_there(server_url: str) -> None:
    assert "swagger" in httpx.get(f"{server_url}/docs").text.lower()
