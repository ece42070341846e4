"""The stream of events of one file, without a network between."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from eclectus.apps.server.openai import openai_stream
from eclectus.apps.server.openai.openai_form import TranscriptionForm
from eclectus.apps.server.openai.openai_stream import open_events
from eclectus.config.schema import Settings
from eclectus.config.server_options import ServerOptions
from eclectus.core.errors import DeadlineError
from eclectus.core.options import BatchOptions, LongFormOptions, TranscribeOptions
from eclectus.core.types import FloatArray
from eclectus.service.service import FileRequest, SpeechService

STORY = Path(__file__).resolve().parents[2] / "examples" / "clips" / "story.flac"
OPTIONS = TranscribeOptions(long_form=LongFormOptions(window_s=6.0, overlap_s=2.0))


@pytest.fixture(scope="module")
def story() -> FloatArray:
    samples, _ = soundfile.read(STORY, dtype="float32")
    return np.asarray(samples, np.float32)


async def lines_of(service: SpeechService, samples: FloatArray) -> list[str]:
    """Return what a client would read; the stack must have been closed by the end."""
    closed: list[bool] = []
    work = FileRequest(source=samples, options=OPTIONS)
    sent: list[bytes] = []

    async def send(message: Any) -> None:
        sent.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    async with AsyncExitStack() as stack:
        stack.callback(lambda: closed.append(True))
        response = await open_events(service, work, TranscriptionForm(), stack)
    assert not closed
    await response({"type": "http", "asgi": {}}, receive, send)
    assert closed
    return [line for line in b"".join(sent).decode().split("\n\n") if line]


def run(settings: Settings, samples: FloatArray) -> list[str]:
    async def work() -> list[str]:
        service = SpeechService(settings)
        try:
            return await lines_of(service, samples)
        finally:
            await service.close()
            assert service.files == 0

    return asyncio.run(work())


@pytest.mark.slow
def test_a_late_error_is_an_event_and_the_last_one(
    monkeypatch: pytest.MonkeyPatch, story: FloatArray
) -> None:
    monkeypatch.setattr(openai_stream, "_STATUS_S", 0.0)
    server = ServerOptions(processing_timeout_s=1.5)
    settings = Settings(server=server, batch=BatchOptions(size=1))
    *before, last = run(settings, np.tile(story, 60))
    problem = json.loads(last.removeprefix("data: "))["error"]
    assert problem["code"] == DeadlineError.code
    assert problem["type"] == "server_error"
    assert "data: [DONE]" not in before


def test_an_early_error_is_none_of_the_stream(story: FloatArray) -> None:
    settings = Settings(server=ServerOptions(processing_timeout_s=0.01))
    with pytest.raises(DeadlineError):
        run(settings, np.tile(story, 60))


def test_a_quiet_stream_is_kept_open_by_comments(
    monkeypatch: pytest.MonkeyPatch, story: FloatArray
) -> None:
    monkeypatch.setattr(openai_stream, "_STATUS_S", 0.0)
    monkeypatch.setattr(openai_stream, "_QUIET_S", 0.001)
    lines = run(Settings(batch=BatchOptions(size=1)), story)
    events = [line for line in lines if not line.startswith(":")]
    assert 0 < len(events) < len(lines)
    texts = [json.loads(line.removeprefix("data: ")) for line in events[:-1]]
    assert "".join(one.get("delta", "") for one in texts) == texts[-1]["text"]
    assert len(texts) > 2
