"""A client of eaRS, strict where the public ones are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from eclectus.core.types import FloatArray
from tests.support.resampling import resample

RATE = 24_000
FRAME_BYTES = 7_680
PATIENCE_S = 60.0
_DATA = Path(__file__).resolve().parents[1] / "data"

Json = dict[str, Any]


def clip(name: str, rate: int = RATE) -> FloatArray:
    """A clip of tests/data with a second of silence around it."""
    samples, found = sf.read(_DATA / f"{name}.flac", dtype="float32")
    silence = np.zeros(rate, np.float32)
    return np.concatenate([silence, resample(np.asarray(samples), found, rate), silence])


def as_frames(samples: FloatArray, size: int = FRAME_BYTES) -> Iterator[bytes]:
    """Frames of so many bytes; the last one is shorter."""
    data = samples.astype("<f4").tobytes()
    return (data[start : start + size] for start in range(0, len(data), size))


def opened(url: str) -> Connection:
    """Connect as eaRS clients do: no compression."""
    # No keepalive: on a busy machine the answer comes behind much audio.
    return connect(
        url, compression=None, max_size=None, open_timeout=PATIENCE_S, ping_interval=None
    )


def push(ws: Connection, samples: FloatArray, size: int = FRAME_BYTES) -> None:
    """Send samples as fast as the socket takes them."""
    for frame in as_frames(samples, size):
        ws.send(frame)


def say(ws: Connection, **message: object) -> None:
    """Send a JSON message."""
    ws.send(json.dumps(message))


def hear(ws: Connection, timeout_s: float = PATIENCE_S) -> Json:
    """Receive one message."""
    message: Json = json.loads(ws.recv(timeout=timeout_s))
    return message


def hear_until(ws: Connection, kind: str) -> list[Json]:
    """Receive up to and with a message of a kind."""
    heard = [hear(ws)]
    while heard[-1]["type"] != kind:
        heard.append(hear(ws))
    return heard


def hear_all(ws: Connection) -> list[Json]:
    """Receive until the server closes."""
    heard: list[Json] = []
    try:
        while True:
            heard.append(hear(ws))
    except ConnectionClosed:
        return heard


def transcribed(url: str, samples: FloatArray, size: int = FRAME_BYTES) -> list[Json]:
    """All messages of a session that ends with `stop`."""
    with opened(url) as ws:
        push(ws, samples, size)
        say(ws, type="stop")
        return hear_all(ws)


def of_kind(messages: list[Json], kind: str) -> list[Json]:
    return [message for message in messages if message["type"] == kind]


def wait_until(holds: Callable[[], bool], timeout_s: float = PATIENCE_S) -> None:
    """Return when something holds; fail after the time."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
