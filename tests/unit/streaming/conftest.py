"""The engine that most tests of streams share."""

import pytest

import eclectus
from eclectus.core.options import GreedySearch
from eclectus.streaming.engine import StreamEngine


@pytest.fixture(scope="session")
def engine(model: eclectus.Model) -> StreamEngine:
    return model.stream_engine(GreedySearch())
