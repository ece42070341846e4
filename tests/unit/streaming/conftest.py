"""The model that most tests of streams share."""

from collections.abc import Iterator

import pytest

import eclectus
from eclectus.core.options import GreedySearch
from eclectus.streaming.engine import StreamEngine


@pytest.fixture(scope="session")
def model() -> Iterator[eclectus.Model]:
    with eclectus.load() as model:
        yield model


@pytest.fixture(scope="session")
def engine(model: eclectus.Model) -> StreamEngine:
    return model.stream_engine(GreedySearch())
