"""Real servers for tests: `eclectus serve` in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from eclectus.apps.server.common.binding import bind
from tests.support.server import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


def wait_until_ready(url: str, process: subprocess.Popen[bytes] | None = None) -> list[int]:
    """Ask until the server is ready; returns the statuses on the way."""
    statuses: list[int] = []
    deadline = time.monotonic() + PATIENCE_S
    while not statuses or statuses[-1] != 200:
        assert time.monotonic() < deadline, statuses
        assert process is None or process.poll() is None, "the server has ended"
        with suppress(httpx.TransportError):
            statuses.append(httpx.get(f"{url}/readyz").status_code)
        time.sleep(0.02)
    return statuses


@dataclass
class ServerProcess:
    """A server in a process of its own, with the test's WebSocket."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def live_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/test/live"

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)


@contextmanager
def server_process(
    folder: Path, *flags: str, port: int | None = None, **settings: str
) -> Iterator[ServerProcess]:
    """Start `eclectus serve` with the test's WebSocket; killed at the end if it still runs.

    Args:
        folder: Its current folder, with its log.
        flags: More flags of `eclectus serve`.
        port: Where it listens; None for a free one.
        settings: Environment variables of eclectus, without their prefix.
    """
    chosen = port or free_port()
    log = folder / f"server-{chosen}.log"
    environment = {
        **os.environ,  # noqa: TID251 - the test's own, handed on
        **{f"ECLECTUS_{name}": value for name, value in settings.items()},
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    with log.open("wb") as err:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.live_route", "serve"),
                *("--port", str(chosen), "--threads", "1", *flags),
            ],
            cwd=folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=err,
        )
        try:
            yield ServerProcess(process, chosen, log)
        finally:
            process.kill()
            process.wait()


def free_port() -> int:
    with bind("127.0.0.1", 0) as listening:
        return int(listening.getsockname()[1])
