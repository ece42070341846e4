"""Deepgram's wire."""

from __future__ import annotations

from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.deepgram.deepgram_files import router
from eclectus.apps.server.deepgram.deepgram_terms import error_body
from eclectus.apps.server.deepgram.deepgram_ws import Listen

DEEPGRAM = Wire(
    name="Deepgram",
    error_body=error_body,
    routes=(router,),
    live={"/v1/listen": Listen},
    claims="/v1/listen",
)
