"""Servers that contract tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.server import Running


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """A server as it is without any settings."""
    # Not above: the environment of the Pipecat tests has no server.
    from tests.support.server import watched

    with watched() as found:
        yield found


@pytest.fixture(scope="session")
def server_url(server: Running) -> str:
    return server.url
