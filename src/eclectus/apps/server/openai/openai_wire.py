"""OpenAI's wire."""

from __future__ import annotations

from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.openai import openai_files, openai_models
from eclectus.apps.server.openai.openai_shapes import error_body
from eclectus.apps.server.openai.realtime_ws import Realtime

OPENAI = Wire(
    name="OpenAI",
    error_body=error_body,
    routes=(openai_files.router, openai_models.router),
    live={"/v1/realtime": Realtime},
    claims="/v1",
)
