"""The application under a plain uvicorn: it loads, drains and ends as `eclectus serve` does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.support.clips import pcm16, samples
from tests.support.server import PATIENCE_S
from tests.support.server_process import ROOT, free_port, wait_until_ready

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@contextmanager
def under_uvicorn(
    folder: Path, *flags: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the factory; killed at the end if it still runs."""
    port = free_port()
    environment = {
        **os.environ,  # noqa: TID251 - the test's own, handed on
        **{f"ECLECTUS_{name}": value for name, value in settings.items()},
        "PYTHONPATH": str(ROOT / "src"),
    }
    command = [sys.executable, "-m", "uvicorn", "--factory", "--port", str(port), *flags]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "eclectus.apps.server.factory:make_app"],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield process, port
        finally:
            process.kill()
            process.wait()


def test_a_plain_uvicorn_serves_and_drains(tmp_path: Path) -> None:
    with under_uvicorn(tmp_path, SERVER__GRACE_S="3", BACKEND__THREADS="1") as (process, port):
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        address = f"ws://127.0.0.1:{port}/v1/listen?encoding=linear16&sample_rate=16000"
        with connect(address, proxy=None, open_timeout=PATIENCE_S) as ws:
            ws.send(pcm16(samples()))
            ws.send('{"type": "Finalize"}')
            told = [json.loads(ws.recv(timeout=PATIENCE_S))]
            process.send_signal(signal.SIGTERM)
            with suppress(ConnectionClosed):
                while True:
                    told.append(json.loads(ws.recv(timeout=PATIENCE_S)))
            assert told[-1]["type"] == "Metadata"
            assert ws.close_code == 1000
        # uvicorn ends by the signal that ended it.
        assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_while_it_drains_nobody_is_let_in_and_a_second_signal_ends_it(tmp_path: Path) -> None:
    with under_uvicorn(tmp_path, SERVER__GRACE_S="600", BACKEND__THREADS="1") as (process, port):
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, process)
        with connect(f"ws://127.0.0.1:{port}/ws", proxy=None, open_timeout=PATIENCE_S) as ws:
            ws.send(pcm16(samples()))
            ws.recv(timeout=PATIENCE_S)
            process.send_signal(signal.SIGTERM)
            while (status := httpx.get(f"{url}/readyz").status_code) == 200:
                pass
            assert status == 503
            process.send_signal(signal.SIGTERM)
            with suppress(ConnectionClosed):
                while True:
                    ws.recv(timeout=PATIENCE_S)
        assert process.wait(PATIENCE_S) in (0, -signal.SIGTERM)


def test_without_its_model_it_says_so_and_ends(tmp_path: Path) -> None:
    missing = tmp_path / "no-such-model"
    with under_uvicorn(tmp_path, MODEL=str(missing)) as (process, _):
        assert process.wait(PATIENCE_S) != 0
    assert str(missing) in (tmp_path / "log").read_text()
