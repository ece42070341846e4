"""Many clients at once, in a process of their own: `python -m tests.support.load_clients URL N`.

N streams and N uploads of one clip; prints their texts as a JSON list.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import httpx
import numpy as np
import soundfile
from websockets.asyncio.client import connect

from tests.support.live_route import PATH

CLIP = Path(__file__).resolve().parents[1] / "data" / "garden.flac"
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


async def load(url: str, clients: int) -> list[str]:
    """All clients at once."""
    samples, _ = soundfile.read(CLIP, dtype="int16")
    audio = np.asarray(samples, "<i2").tobytes()
    async with httpx.AsyncClient() as client:
        uploads = [upload(url, client) for _ in range(clients)]
        return await asyncio.gather(*(speak(url, audio) for _ in range(clients)), *uploads)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(sys.argv[1], int(sys.argv[2])))))
