"""How many live streams and files a server bears, and what it does to their latency.

    python -m benchmarks.load --audio FOLDER --uploads 2 --out benchmarks/results/load.jsonl

Servers run in processes of their own: eclectus, and the same model behind one lock. Streams are
sent in real time, 80 ms a message, each from another place of the speech. When a final text is due
is found beforehand, by the same speech in the same blocks without a server: the latency is the time
from the sending of the block that ends an utterance to the arrival of its final text.

Measured are: the most streams with the 95th percentile of that latency within a limit, with
uploads going on beside them; the throughput of files together and one by one; the memory after
many sessions were opened and closed. With --url a running server is measured instead.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

import eclectus
from benchmarks import results
from benchmarks.clips import RATE, find_audio, read
from benchmarks.load_server import FILES, LIVE
from eclectus.streaming.events import Endpoint, Final

BLOCK = round(0.08 * RATE)
SILENCE_S = 1.2
DEFAULT_CLIP = Path(__file__).parents[1] / "examples" / "clips" / "story.flac"


@dataclass(frozen=True)
class Script:
    """What one client says, and after which of its blocks a final text is due."""

    blocks: list[bytes]
    due: list[int]


@dataclass
class Target:
    """A server under load."""

    url: str
    live_path: str
    pid: int | None = None

    @property
    def live_url(self) -> str:
        return self.url.replace("http", "ws", 1) + self.live_path


@dataclass
class Heard:
    """What the clients of one trial found."""

    latencies: list[float] = field(default_factory=list)
    missing: int = 0
    uploads: int = 0
    upload_audio_s: float = 0.0

    @property
    def p95(self) -> float:
        """95th percentile of the latency; infinite when finals stayed away."""
        if self.missing or not self.latencies:
            return float("inf")
        return float(np.percentile(self.latencies, 95))


def scripts(model: eclectus.Model, audio: list[Path], seconds: float, count: int) -> list[Script]:
    """Prepare speech for clients: files with silence between, each beginning at another one."""
    files = [read(path) for path in audio]
    silence = np.zeros(round(SILENCE_S * RATE), np.float32)
    found = []
    for first in range(min(count, len(files))):
        pieces: list[NDArray[np.float32]] = []
        place = first
        while sum(map(len, pieces)) < seconds * RATE:
            pieces += [files[place % len(files)], silence]
            place += 1
        found.append(_script(model, np.concatenate(pieces)))
    return found


def _script(model: eclectus.Model, samples: NDArray[np.float32]) -> Script:
    session = model.stream()
    blocks: list[bytes] = []
    due: list[int] = []
    for start in range(0, len(samples) - BLOCK + 1, BLOCK):
        ints = (samples[start : start + BLOCK] * 32767).astype("<i2")
        events = session.push(np.divide(ints, 32768, dtype=np.float32))
        due += [len(blocks)] * sum(isinstance(event, Endpoint) for event in events)
        blocks.append(ints.tobytes())
    # What the end of the stream brings is no endpoint's.
    assert any(isinstance(event, Final) for event in session.finish()) or due
    return Script(blocks, due)


async def speak(target: Target, script: Script, delay_s: float, heard: Heard) -> None:
    """Be one client; one that the server cuts off misses the finals that were still due."""
    await asyncio.sleep(delay_s)
    sent: list[float] = []
    came: list[float] = []
    with suppress(ConnectionClosed):
        async with connect(target.live_url, compression=None) as wire:
            listening = asyncio.create_task(_listen(wire, script, sent, came))
            begun = time.perf_counter()
            for number, block in enumerate(script.blocks, 1):
                await asyncio.sleep(begun + number * BLOCK / RATE - time.perf_counter())
                sent.append(time.perf_counter())
                await wire.send(block)
            await wire.send("stop")
            await listening
    heard.latencies += came
    heard.missing += len(script.due) - len(came)


async def _listen(
    wire: ClientConnection, script: Script, sent: list[float], came: list[float]
) -> None:
    with suppress(ConnectionClosed):
        async for message in wire:
            if json.loads(message)["is_final"] and len(came) < len(script.due):
                came.append(time.perf_counter() - sent[script.due[len(came)]])


async def upload(target: Target, wav: bytes, heard: Heard, client: httpx.AsyncClient) -> None:
    """Send one file and wait for its text."""
    answer = await client.post(target.url + FILES, files={"file": ("a.wav", wav)}, timeout=600)
    answer.raise_for_status()
    heard.uploads += 1
    heard.upload_audio_s += (len(wav) - 44) / 2 / RATE


async def trial(
    target: Target, said: list[Script], streams: int, uploads: int, wav: bytes
) -> Heard:
    """Run streams in real time, and clients that upload again and again as long as they last."""
    heard = Heard()
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def keep_uploading() -> None:
            while True:
                await upload(target, wav, heard, client)

        busy = [asyncio.create_task(keep_uploading()) for _ in range(uploads)]
        spread = 5.0 / max(1, streams)  # clients don't come all at once
        async with asyncio.TaskGroup() as group:
            for number in range(streams):
                script = said[number % len(said)]
                group.create_task(speak(target, script, number * spread, heard))
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
    return heard


async def most_streams(
    target: Target, said: list[Script], given: argparse.Namespace, wav: bytes
) -> tuple[int, dict[int, float]]:
    """Find the most streams within the limit: double, then halve the gap."""
    tried: dict[int, float] = {}

    async def fits(streams: int) -> bool:
        heard = await trial(target, said, streams, given.uploads, wav)
        tried[streams] = heard.p95
        print(
            f"  {streams} streams, {heard.uploads} uploads done: final after the endpoint "
            f"p95 {heard.p95 * 1000:.0f} ms of {len(heard.latencies)}",
            flush=True,
        )
        return heard.p95 <= given.limit_ms / 1000

    good, bad = 0, given.first
    while bad <= given.most and await fits(bad):
        good, bad = bad, bad * 2
    while bad - good > max(1, good // 8):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if await fits(middle) else (good, middle)
    return good, tried


async def throughput(target: Target, wav: bytes, count: int, together: int) -> float:
    """Return audio seconds by wall seconds of some uploads, so many at once."""
    heard, places = Heard(), asyncio.Semaphore(together)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None)) as client:

        async def one() -> None:
            async with places:
                await upload(target, wav, heard, client)

        begun = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(count)))
        return heard.upload_audio_s / (time.perf_counter() - begun)


async def sessions(target: Target, blocks: list[bytes], count: int) -> list[float]:
    """Open and close sessions; return resident MiB after each tenth of them."""
    memory = []
    for number in range(1, count + 1):
        async with connect(target.live_url, compression=None) as wire:
            for block in blocks[:25]:
                await wire.send(block)
            await wire.send("stop")
            async for _ in wire:
                pass
        if number % max(1, count // 10) == 0 and target.pid is not None:
            memory.append(resident_mib(target.pid))
    return memory


def resident_mib(pid: int) -> float:
    """Return a process's resident memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise ValueError(f"process {pid} has no memory")


@contextmanager
def started(kind: str, given: argparse.Namespace) -> Iterator[Target]:
    """Run one of the benchmark's servers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.load_server", kind, "--port", str(port)]
    command += ["--threads", str(given.threads)] + (["--model", given.model] if given.model else [])
    process = subprocess.Popen(command)
    target = Target(f"http://127.0.0.1:{port}", LIVE, process.pid)
    try:
        while not _ready(target):
            if process.poll() is not None:
                raise RuntimeError(f"the server {kind} has ended")
            time.sleep(0.1)
        yield target
    finally:
        process.terminate()
        process.wait(30)


def _ready(target: Target) -> bool:
    with suppress(httpx.TransportError):
        return bool(httpx.get(f"{target.url}/readyz").status_code == 200)
    return False


async def measure(target: Target, said: list[Script], given: argparse.Namespace) -> dict[str, Any]:
    """Measure one server."""
    wav = _wav(said[0].blocks)
    row: dict[str, Any] = {"uploads": given.uploads, "limit_ms": given.limit_ms}
    if "streams" in given.parts:
        row["streams"], tried = await most_streams(target, said, given, wav)
        row["p95_ms"] = {n: None if p == float("inf") else p * 1000 for n, p in tried.items()}
        print(f"  {row['streams']} streams within {given.limit_ms} ms")
    if "files" in given.parts:
        alone = await throughput(target, wav, given.files, 1)
        together = await throughput(target, wav, given.files, given.together)
        row |= {"rtfx_one_by_one": alone, f"rtfx_{given.together}_together": together}
        print(f"  files: {alone:.0f} x real time one by one, {together:.0f} x together")
    if "sessions" in given.parts:
        memory = await sessions(target, said[0].blocks, given.sessions)
        row |= {"sessions": given.sessions, "memory_mib": memory}
        print(f"  memory over {given.sessions} sessions: {[round(one) for one in memory]} MiB")
    return row


def _wav(blocks: list[bytes]) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.frombuffer(b"".join(blocks), "<i2"), RATE, "PCM_16", format="WAV")
    return buffer.getvalue()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--audio", type=Path, help="file or folder; else the shipped clip")
    parser.add_argument("--model", help="name or folder; else the built-in model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--servers", nargs="+", default=["eclectus", "one-lock"])
    parser.add_argument("--url", help="a running server, instead of starting some")
    parser.add_argument("--live-path", default="/ws", help="of that server's WebSocket")
    parser.add_argument("--parts", nargs="+", default=["streams", "files", "sessions"])
    parser.add_argument("--seconds", type=float, default=20.0, help="speech of each stream")
    parser.add_argument("--uploads", type=int, default=1, help="clients that upload meanwhile")
    parser.add_argument("--limit-ms", type=float, default=300.0)
    parser.add_argument("--first", type=int, default=4, help="streams to begin with")
    parser.add_argument("--most", type=int, default=256, help="streams to end with")
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--together", type=int, default=8)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


def main() -> None:
    """Measure and print."""
    given = _parse()
    with eclectus.load(given.model, threads=given.threads) as model:
        said = scripts(model, find_audio([given.audio or DEFAULT_CLIP]), given.seconds, 8)
        name = model.config.name
    kinds = [given.url] if given.url else given.servers
    for kind in kinds:
        print(f"{kind}:", flush=True)
        if given.url:
            row = asyncio.run(measure(Target(given.url, given.live_path), said, given))
        else:
            with started(kind, given) as target:
                row = asyncio.run(measure(target, said, given))
        facts = {"benchmark": "load", "server": kind, "model": name, "threads": given.threads}
        results.append(given.out, facts | row)


if __name__ == "__main__":
    main()
