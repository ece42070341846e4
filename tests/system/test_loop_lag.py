"""The event loop never waits for the model: what holds it up holds up every client."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from fastapi import FastAPI

from eclectus.apps.server.common.binding import bind
from eclectus.apps.server.common.wire import Wires
from eclectus.apps.server.run import make_server
from eclectus.config.schema import Settings
from eclectus.core.options import BackendOptions
from eclectus.service.lag import watch_lag
from tests.support.live_route import TEST

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 8
INTERVAL_S = 0.01
# A loop that only passes messages is late by some milliseconds; one that listens for speech, or
# runs the model, by hundreds as soon as many clients come together.
MOST_S = 0.1
# A busy machine makes any process late now and then; a handler that blocks does so every time.
ROUNDS = 3


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    """Serve on this thread's event loop."""
    server = make_server(Settings(backend=BackendOptions(threads=1)))
    assert isinstance(server.config.app, FastAPI)
    Wires([TEST]).install(server.config.app)
    routes = server.config.app.router.routes
    routes.insert(0, routes.pop())  # before the route that takes all paths
    with bind("127.0.0.1", 0) as listening:
        running = asyncio.create_task(server.run_service([listening]))
        while not server.service.ready:
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await running


async def load(url: str, clients: int) -> list[str]:
    """Let clients work in a process of their own; return what they were told."""
    command = [sys.executable, "-m", "tests.support.load_clients", url, str(clients)]
    done = await asyncio.to_thread(
        subprocess.run, command, cwd=ROOT, capture_output=True, check=True
    )
    return [str(text) for text in json.loads(done.stdout)]


def spread(lags: list[float]) -> list[float]:
    """Return how late a message would have come, had one been due in every interval.

    A loop that is held up for a second is sampled once in that second; each message that was due
    meanwhile would have been late.
    """
    return [late for lag in lags for late in np.arange(lag, -INTERVAL_S, -INTERVAL_S).clip(0)]


async def lateness() -> float:
    """Measure the loop under load; returns the 95th percentile of the best round."""
    rounds: list[float] = []
    async with serving() as url:
        await load(url, 1)  # imports, first allocations
        while len(rounds) < ROUNDS and min(rounds, default=MOST_S) >= MOST_S:
            lags: list[float] = []
            watching = asyncio.create_task(watch_lag(lags.append, INTERVAL_S))
            texts = await load(url, CLIENTS)
            watching.cancel()
            assert len(texts) == 2 * CLIENTS
            assert all(len(text.split()) >= 10 for text in texts)
            rounds.append(float(np.percentile(spread(lags), 95)))
    print("rounds", rounds)
    return min(rounds)


def test_the_loop_is_not_held_up_by_many_clients() -> None:
    assert asyncio.run(lateness()) < MOST_S
