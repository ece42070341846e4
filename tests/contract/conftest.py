"""Servers that contract tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eclectus.service.schema import Settings
from tests.support.server import Running, running


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """A server as it is without any settings."""
    with running(Settings()) as server:
        yield server


@pytest.fixture(scope="session")
def server_url(server: Running) -> str:
    return server.url
