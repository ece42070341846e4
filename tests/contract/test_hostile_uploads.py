"""Uploads that mean no good: each gets its status, and the server goes on."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from eclectus.apps.server.run import Server
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.core.options import AudioOptions, BatchOptions, LongFormOptions
from tests.support.media import flac_bomb, mux, voice, write
from tests.support.server import running

GARDEN = (Path(__file__).resolve().parents[1] / "data" / "garden.flac").read_bytes()
WAV = write(voice(0.5), 16_000, "WAV")
ROUTE = "/v1/audio/transcriptions"
_PATIENCE_S = 60.0
BOUNDARY = "x-x"
START = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, Server]]:
    settings = Settings(
        audio=AudioOptions(max_duration_s=1_000.0, max_expansion=20.0),
        # What is in the encoder when a client goes can't be stopped; so let it be little.
        long_form=LongFormOptions(window_s=30.0, overlap_s=2.0),
        batch=BatchOptions(max_audio_s=60.0),
        server=ServerOptions(max_upload_mb=20, upload_stall_s=0.3, allow_urls=True),
    )
    with running(settings) as (url, one):
        yield url, one


@pytest.fixture
def url(server: tuple[str, Server]) -> Iterator[str]:
    """After each test the server answers, and nothing is left over."""
    yield server[0]
    answer = httpx.post(server[0] + ROUTE, files={"file": ("a.wav", WAV)}, timeout=60)
    assert answer.status_code == 200
    assert server[1].service.files == 0


def send(url: str, data: bytes, name: str = "a.wav") -> httpx.Response:
    return httpx.post(url + ROUTE, files={"file": (name, data)}, timeout=_PATIENCE_S)


def wave_size(size: int) -> bytes:
    place = WAV.index(b"data") + 4
    return WAV[:place] + struct.pack("<I", size) + WAV[place + 4 :]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 400),
        (WAV[:30], 400),
        (WAV[:44], 400),
        (b"\x00" * 10_000, 400),
        (b"%PDF-1.7" + bytes(100), 400),
        (b"#EXTM3U\n/etc/passwd\n", 400),
        (write(np.full(8_000, np.nan, np.float32), 16_000, "WAV", "FLOAT"), 400),
        (wave_size(0xFFFFFFFF), 200),
        (wave_size(0), 200),
        (WAV[: len(WAV) // 2], 200),
        (GARDEN[: len(GARDEN) // 2], 200),
        (mux(voice(0.5), 16_000, "ipod", "aac"), 200),
        (flac_bomb(hours=10), 413),
    ],
    ids=[
        "empty", "cut in the header", "no samples", "zeros", "pdf", "playlist", "nan",
        "says 4 GB", "says 0", "half a wav", "half a flac", "another kind", "bomb",
    ],
)  # fmt: skip
def test_a_hostile_file_has_its_status(url: str, data: bytes, status: int) -> None:
    answer = send(url, data)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["param"] == "file"


def test_audio_beyond_the_limit_is_too_long(url: str) -> None:
    answer = send(url, write(np.zeros(8_000 * 1_001, np.float32), 8_000, "WAV", "PCM_U8"))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "audio_too_long"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a\0b", "ü.mp3", "a.exe"])
def test_a_name_does_not_matter(url: str, name: str) -> None:
    quoted = name.replace("\0", "%00").encode()
    start = START.replace(b"a.wav", quoted)
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = httpx.post(url + ROUTE, content=start + WAV + END, headers=headers, timeout=60)
    assert answer.status_code == 200


def test_an_endless_name_is_a_bad_request(url: str) -> None:
    start = START.replace(b"a.wav", b"x" * 5_000)
    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    answer = httpx.post(url + ROUTE, content=start + WAV + END, headers=headers)
    assert answer.status_code == 400


def test_an_upload_that_says_it_is_too_large_is_refused_at_once(url: str) -> None:
    with connected(url) as raw:
        raw.sendall(head("Content-Length: 99999999999999"))
        assert status_of(raw) == 413


def test_an_upload_without_a_length_is_refused_when_it_is_too_large(url: str) -> None:
    def endless() -> Iterator[bytes]:
        yield START
        for _ in range(400):
            yield bytes(100_000)

    headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    with httpx.Client(timeout=_PATIENCE_S) as client:
        try:
            answer = client.post(url + ROUTE, content=endless(), headers=headers)
        except (httpx.WriteError, httpx.ReadError):
            return  # it was cut off while it was sending, which is as good
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "upload_too_large"


@pytest.mark.parametrize("path", [ROUTE, "/transcribe", "/inference", "/v1/listen"])
def test_an_upload_that_stalls_is_given_up(url: str, path: str) -> None:
    with connected(url) as raw:
        raw.sendall(head("Content-Length: 5000", path) + START)
        assert status_of(raw) == 408


@pytest.mark.parametrize(
    "path", [ROUTE, "/transcribe", "/inference", "/v1/listen", "/web/transcribe"]
)
def test_a_client_that_hangs_up_is_no_fault_of_the_server(url: str, path: str) -> None:
    def counted(name: str) -> float:
        lines = httpx.get(f"{url}/metrics").text.splitlines()
        found = [line for line in lines if line.startswith(f'eclectus_errors_total{{code="{name}"')]
        return float(found[0].rpartition(" ")[2]) if found else 0.0

    before, faults = counted("client_closed_request"), counted("internal_error")
    with connected(url) as raw:
        raw.sendall(head("Content-Length: 500000", path) + START)
    wait_until(lambda: counted("client_closed_request") > before)
    assert counted("internal_error") == faults


@pytest.mark.parametrize("length", ["-1", "abc", "1" * 30])
def test_an_impossible_length_is_refused(url: str, length: str) -> None:
    with connected(url) as raw:
        raw.sendall(head(f"Content-Length: {length}") + START)
        assert status_of(raw) in (400, 413)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "text/plain",
        "multipart/x; boundary=x-x",
    ],
)
def test_a_form_that_is_none_is_a_bad_request(url: str, kind: str) -> None:
    headers = {"content-type": kind}
    answer = httpx.post(url + ROUTE, content=START + WAV + END, headers=headers)
    assert answer.status_code == 400


def test_too_many_fields_are_a_bad_request(url: str) -> None:
    fields = {f"field{number}": "x" for number in range(300)}
    answer = httpx.post(url + ROUTE, data=fields, files={"file": ("a.wav", WAV)})
    assert answer.status_code == 400


@pytest.mark.parametrize("fields", [{}, {"stream": "true"}])
def test_the_work_of_a_client_that_hangs_up_is_cancelled(
    url: str, server: tuple[str, Server], fields: dict[str, str]
) -> None:
    service = server[1].service
    long = write(np.tile(voice(10.0, 8_000), 90), 8_000, "WAV", "PCM_U8")
    before = service.telemetry.render()
    form = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    )
    body = form + START + long + END
    with connected(url) as raw:
        raw.sendall(head(f"Content-Length: {len(body)}") + body)
        wait_until(lambda: service.files == 1)
    wait_until(lambda: service.files == 0)
    (served,) = service.pool.loaded
    wait_until(lambda: served.files.waiting == 0)
    assert served.users == 0
    assert audio_lines(service.telemetry.render()) == audio_lines(before)


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/a.wav",
        "http://localhost/a.wav",
        "http://[::1]/a.wav",
        "http://[::ffff:127.0.0.1]/a.wav",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://0/",
        "http://2130706433/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "http://user@127.0.0.1/",
        "http://",
        "",
    ],
)
def test_addresses_inside_are_not_fetched(url: str, address: str) -> None:
    answer = httpx.post(f"{url}/v1/listen", json={"url": address}, timeout=60)
    assert answer.status_code == 400
    assert "err_msg" in answer.json()


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), _PATIENCE_S)


def head(length: str, path: str = ROUTE) -> bytes:
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n{length}\r\n\r\n".encode()


def status_of(raw: socket.socket) -> int:
    answer = b""
    while b"\r\n" not in answer:
        more = raw.recv(1_000)
        assert more, "it was closed without an answer"
        answer += more
    return int(answer.split()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def audio_lines(metrics: bytes) -> list[str]:
    lines = metrics.decode().splitlines()
    return [line for line in lines if line.startswith("eclectus_audio_seconds_total")]
