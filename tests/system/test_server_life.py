"""The life of a server: start, readiness, an orderly end, a violent one."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from eclectus.api import Model
from eclectus.apps.server.common.binding import bind
from eclectus.apps.server.run import make_server
from eclectus.config.schema import Settings
from eclectus.service.model_pool import ModelPool, _open
from eclectus.service.service import SpeechService
from tests.support.server import PATIENCE_S, watched
from tests.support.server_process import (
    ServerProcess,
    free_port,
    server_process,
    wait_until_ready,
)

CLIP = Path(__file__).resolve().parents[1] / "data" / "garden.flac"
ROUTE = "/v1/audio/transcriptions"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def samples() -> bytes:
    """The clip as a client sends it live."""
    found, rate = soundfile.read(CLIP, dtype="int16")
    assert rate == 16_000
    return np.asarray(found, "<i2").tobytes()


def upload(url: str) -> httpx.Response:
    with CLIP.open("rb") as file:
        return httpx.post(url + ROUTE, files={"file": file}, timeout=PATIENCE_S)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    with server_process(tmp_path, SERVER__GRACE_S="8", LOGGING__LEVEL="info") as found:
        wait_until_ready(found.url, found.process)
        yield found


def test_a_server_is_ready_only_when_its_model_has_answered() -> None:
    may_load = threading.Event()

    def slowly(name: str, settings: Settings) -> Model:
        assert may_load.wait(PATIENCE_S)
        return _open(name, settings)

    settings = Settings()
    service = SpeechService(settings, pool=ModelPool(settings, opener=slowly))
    with watched(make_server(settings, service=service), ready=False) as found:
        url = found.url
        assert httpx.get(f"{url}/healthz").status_code == 200
        refused = httpx.get(f"{url}/readyz")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "eclectus_ready 0.0" in httpx.get(f"{url}/metrics").text
        may_load.set()
        assert set(wait_until_ready(url)) <= {503, 200}
        assert "eclectus_ready 1.0" in httpx.get(f"{url}/metrics").text
        assert upload(url).json()["text"]


async def finals(socket: ClientConnection) -> list[str]:
    """Read to the end of the stream; returns the texts that are final."""
    texts: list[str] = []
    with suppress(ConnectionClosed):
        async for message in socket:
            told = json.loads(message)
            if told["is_final"]:
                texts.append(told["text"])
    return texts


async def refusing(url: str) -> None:
    """Wait until the server lets nobody in any more."""
    async with httpx.AsyncClient() as client, asyncio.timeout(PATIENCE_S):
        while (await client.get(f"{url}/readyz")).status_code != 503:
            await asyncio.sleep(0.02)


async def told_to_end(server: ServerProcess, *, stops: bool) -> tuple[list[str], int]:
    """Speak, have the server told to end, try to upload; returns final texts and the status."""
    async with connect(server.live_url) as socket:
        await socket.send(samples())
        json.loads(await socket.recv())  # the stream is in work
        server.terminate()
        await refusing(server.url)
        status = (await asyncio.to_thread(upload, server.url)).status_code
        if stops:
            await socket.send("stop")
        return await finals(socket), status


def test_answers_are_sent_without_delay() -> None:
    """An accepted connection has Nagle's algorithm off."""
    found: list[int] = []

    class Looks(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted = transport.get_extra_info("socket")
            found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    async def connect_once() -> None:
        with bind("127.0.0.1", 0) as listening:
            server = await asyncio.get_running_loop().create_server(Looks, sock=listening)
            _, writer = await asyncio.open_connection(*listening.getsockname())
            while not found:
                await asyncio.sleep(0.01)
            writer.close()
            server.close()

    asyncio.run(connect_once())
    assert found == [1]


@pytest.mark.parametrize("stops", [True, False], ids=["client stops", "client goes on"])
def test_sigterm_lets_a_stream_have_its_last_words(server: ServerProcess, stops: bool) -> None:
    texts, status = asyncio.run(told_to_end(server, stops=stops))
    assert status == 503
    assert len(" ".join(texts).split()) >= 10
    assert server.wait() == 0
    log = server.log.read_text().splitlines()
    entries = [json.loads(line) for line in log if line.startswith("{")]
    assert not [entry for entry in entries if "traceback" in entry]
    (refused,) = (one for one in entries if one["message"] == f"POST {ROUTE} 503")
    assert refused["request_id"]


async def under_load(server: ServerProcess) -> None:
    """Kill the server while a stream and an upload are in work."""
    async with connect(server.live_url) as socket:
        uploading = asyncio.create_task(asyncio.to_thread(upload, server.url))
        await socket.send(samples())
        await socket.recv()
        server.process.send_signal(signal.SIGKILL)
        await finals(socket)
        with suppress(httpx.TransportError):
            await uploading


def test_after_a_violent_end_the_server_serves_again_on_its_port(
    server: ServerProcess, tmp_path: Path
) -> None:
    asyncio.run(under_load(server))
    assert server.wait() == -signal.SIGKILL
    with server_process(tmp_path, port=server.port) as again:
        wait_until_ready(again.url, again.process)
        assert upload(again.url).json()["text"]
        again.terminate()
        assert again.wait() == 0


def serve(*flags: str) -> subprocess.CompletedProcess[str]:
    """Run `eclectus serve`, which is expected to end by itself."""
    program = Path(sys.executable).with_name("eclectus")
    return subprocess.run(
        [program, "serve", *flags],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_taken_port_is_told_at_once() -> None:
    with bind("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        done = serve("--port", str(port))
    assert done.returncode == 2
    assert f"can't listen on 127.0.0.1:{port}" in done.stderr
    assert "choose another --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_model_ends_the_server(tmp_path: Path) -> None:
    missing = tmp_path / "no-such-model"
    done = serve("--port", str(free_port()), "--model", str(missing))
    assert done.returncode == 4
    assert str(missing) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("flags", [(), ("--no-banner",)], ids=["banner", "log"])
def test_the_server_says_that_its_model_is_for_demonstration(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    with server_process(tmp_path, *flags) as found:
        wait_until_ready(found.url, found.process)
        found.terminate()
        assert found.wait() == 0
    assert "demonstration model for English" in found.log.read_text()
