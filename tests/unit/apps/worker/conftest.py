"""One Redis server for all tests of workers; each has a queue of its own on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from eclectus.config.worker_options import QueueOptions
from tests.support.redis_server import redis_server

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def options(redis_url: str) -> QueueOptions:
    """With a short lease, for tests that wait for its end."""
    return QueueOptions(url=redis_url, prefix=f"test-{next(_NUMBERS)}", lease_s=0.5, retry_s=0.05)
