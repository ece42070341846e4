"""Streams that the server ends, and what is measured meanwhile."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eclectus.config.schema import Settings
from eclectus.core.options import BackendOptions
from eclectus.service.live import LiveEvent, LiveStream
from eclectus.service.service import SpeechService, StreamRequest
from eclectus.streaming.events import Ended, Final

CLIP = Path(__file__).resolve().parents[2] / "data" / "garden.flac"


async def drained() -> tuple[list[LiveEvent], bool, str]:
    """Speak, drain the service while the client goes on; return events, success, metrics."""
    samples, rate = soundfile.read(CLIP, dtype="float32")
    audio = np.asarray(samples)
    service = SpeechService(Settings(backend=BackendOptions(threads=1)))
    await service.start()
    events: list[LiveEvent] = []

    async def follow(stream: LiveStream) -> None:
        events.extend([event async for event in stream.events()])

    async def client() -> None:
        async with service.stream(StreamRequest(protocol="test", sample_rate=rate)) as stream:
            following = asyncio.create_task(follow(stream))
            await stream.push(audio)
            opened.set()
            await following
            # What a client still sends is neither an error nor recognised.
            await stream.push(audio)
            await stream.flush()
            await stream.restart()

    opened = asyncio.Event()
    speaking = asyncio.create_task(client())
    await opened.wait()
    done = await service.drain(8.0)
    await speaking
    metrics = service.telemetry.render().decode()
    await service.close()
    return events, done, metrics


@pytest.mark.slow
def test_a_stream_that_the_server_ends_has_all_words_and_is_measured() -> None:
    events, done, metrics = asyncio.run(drained())
    words = [word for event in events if isinstance(event, Final) for word in event.words]
    assert done
    assert len(words) >= 10
    assert isinstance(events[-1], Ended)
    assert events[-1].duration == soundfile.info(CLIP).duration
    lines = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if line[0] != "#")
    assert float(lines["eclectus_first_word_seconds_count"]) > 0
    assert float(lines["eclectus_final_seconds_count"]) > 0
    assert float(lines['eclectus_batch_size_count{kind="stream"}']) > 0
    assert float(lines['eclectus_wait_seconds_count{kind="stream"}']) > 0
    assert lines['eclectus_sessions{protocol="test"}'] == "0.0"
