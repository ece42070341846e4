"""Waiting for a server's live streams."""

from __future__ import annotations

import asyncio

from eclectus.service.service import SpeechService

_PATIENCE_S = 60.0


async def gone(service: SpeechService) -> None:
    """Return when no live stream is left: a client that went away leaves nothing behind."""
    async with asyncio.timeout(_PATIENCE_S):
        while service.sessions:
            await asyncio.sleep(0.01)
