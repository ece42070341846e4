"""Uploads are written to files in other threads: the event loop must not wait for a disk."""

from __future__ import annotations

import tempfile
import threading
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from tests.support.server import Running


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The threads that write what does not fit into memory."""
    found: list[int] = []

    class Watched(tempfile.SpooledTemporaryFile[bytes]):
        def write(self, data: Any) -> int:
            found.append(threading.get_ident())
            return super().write(data)

    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", Watched)
    return found


def long_wav(tmp_path: Any) -> bytes:
    """Two minutes of noise, which is more than is kept in memory."""
    noise = np.random.default_rng(5).normal(0, 0.01, 120 * 16_000)
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise, 16_000)
    data: bytes = path.read_bytes()
    assert len(data) > 3_000_000
    return data


@pytest.mark.parametrize("path", ["/web/transcribe", "/v1/listen"])
def test_the_loop_writes_no_upload(
    server: Running, writers: list[int], path: str, tmp_path: Any
) -> None:
    loop: list[int] = []
    server.loop.call_soon_threadsafe(lambda: loop.append(threading.get_ident()))
    answer = httpx.post(server.url + path, content=long_wav(tmp_path), timeout=120)
    assert answer.status_code == 200
    assert len(writers) > 1
    # The first write is that of the header, which is empty here.
    assert loop[0] not in writers[1:]
