"""What the session of a Realtime client means for its stream."""

from __future__ import annotations

import pytest

from eclectus.apps.server.openai.realtime_shapes import SessionConfig, TurnDetection
from eclectus.core.options import EndpointOptions, StreamOptions

SERVER = StreamOptions(endpoint=EndpointOptions(threshold=0.4))


@pytest.mark.parametrize(("asked", "used"), [(None, 0.4), (0.7, 0.7), (0.0, 0.01), (1.0, 0.99)])
def test_the_threshold_is_the_clients_or_the_servers(asked: float | None, used: float) -> None:
    config = SessionConfig(turns=TurnDetection(threshold=asked))
    assert config.stream_options(SERVER).endpoint.threshold == used
