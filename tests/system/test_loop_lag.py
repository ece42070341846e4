"""The event loop never waits for the model: what holds it up holds up every client."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from websockets.asyncio.client import connect

from eclectus.apps.server.run import bind, make_server
from eclectus.core.options import BackendOptions
from eclectus.service.lag import watch_lag
from eclectus.service.schema import Settings
from tests.support.live_route import PATH, router

CLIP = Path(__file__).resolve().parents[1] / "data" / "garden.flac"
CLIENTS = 8
INTERVAL_S = 0.01
# The model's steps take tens to hundreds of milliseconds on the machines that run this, and with
# so many clients it computes all the time: one step on the loop for every few samples would be
# seen here. A loop that only passes messages is late by less than 10 ms.
MOST_S = 0.1
BLOCK = 2 * 1280


async def speak(url: str, audio: bytes) -> str:
    """Stream a clip, four times as fast as it was spoken; returns its final text."""
    texts: list[str] = []
    async with connect(url.replace("http", "ws") + PATH) as socket:

        async def send() -> None:
            for start in range(0, len(audio), BLOCK):
                await socket.send(audio[start : start + BLOCK])
                await asyncio.sleep(0.02)
            await socket.send("stop")

        sending = asyncio.create_task(send())
        async for message in socket:
            told = json.loads(message)
            texts += [told["text"]] if told["is_final"] else []
        await sending
    return " ".join(texts)


async def upload(url: str, client: httpx.AsyncClient) -> str:
    answer = await client.post(
        f"{url}/v1/audio/transcriptions", files={"file": CLIP.read_bytes()}, timeout=300
    )
    return str(answer.json()["text"])


async def load(url: str) -> list[str]:
    """All clients at once."""
    samples, _ = soundfile.read(CLIP, dtype="int16")
    audio = np.asarray(samples, "<i2").tobytes()
    async with httpx.AsyncClient() as client:
        uploads = [upload(url, client) for _ in range(CLIENTS)]
        return await asyncio.gather(*(speak(url, audio) for _ in range(CLIENTS)), *uploads)


def spread(lags: list[float]) -> list[float]:
    """Return how late a message would have come, had one been due in every interval.

    A loop that is held up for a second is sampled once in that second; each message that was due
    meanwhile would have been late.
    """
    return [late for lag in lags for late in np.arange(lag, -INTERVAL_S, -INTERVAL_S).clip(0)]


async def measured(work: Callable[[str], Awaitable[list[str]]]) -> tuple[list[str], float]:
    """Serve while clients work in another thread; return what they got and the loop's lag."""
    server = make_server(Settings(backend=BackendOptions(threads=1)))
    assert isinstance(server.config.app, FastAPI)
    server.config.app.include_router(router)
    with bind("127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.run_service([listening]))
        while not server.service.ready:
            await asyncio.sleep(0.05)
        lags: list[float] = []
        watching = asyncio.create_task(watch_lag(lags.append, INTERVAL_S))
        texts = await asyncio.to_thread(lambda: asyncio.run(_run(work, url)))
        watching.cancel()
        server.should_exit = True
        await serving
    return texts, float(np.percentile(spread(lags), 95))


async def _run(work: Callable[[str], Awaitable[list[str]]], url: str) -> list[str]:
    return await work(url)


@pytest.mark.slow
def test_the_loop_is_never_held_up_under_load() -> None:
    texts, late = asyncio.run(measured(load))
    print("LATE", late)
    assert all(len(text.split()) >= 10 for text in texts)
    assert late < MOST_S
