"""How late the event loop is: what blocks it blocks every client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def watch_lag(note: Callable[[float], None], interval_s: float = 0.5) -> None:
    """Tell, again and again, how many seconds too late a sleep ended; until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + interval_s
        await asyncio.sleep(interval_s)
        note(max(0.0, loop.time() - due))
