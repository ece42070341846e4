"""Servers that contract tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Running, watched


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """A server as it is without any settings."""
    with watched() as found:
        yield found


@pytest.fixture(scope="session")
def server_url(server: Running) -> str:
    return server.url
