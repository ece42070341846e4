"""The OpenAPI document tells the truth, and no request that fits it, or does not, is an error here."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

FILE_ROUTES = ("/v1/audio/transcriptions", "/transcribe", "/inference")

schema = schemathesis.pytest.from_fixture("document")


@pytest.fixture(scope="module")
def document(server_url: str) -> Any:
    return schemathesis.openapi.from_url(f"{server_url}/openapi.json")


@schema.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[*HealthCheck],
)
def test_no_request_makes_the_server_fail(case: schemathesis.Case) -> None:
    answer = case.call()
    # 503 is what a server says that has no place; nothing here takes one for long.
    assert answer.status_code < 500, answer.text


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
