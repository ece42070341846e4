"""The wire of the FastAPI services."""

from __future__ import annotations

from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.fastapi_services.native_files import router
from eclectus.apps.server.fastapi_services.pcm_ws import PcmSession

# Errors and statuses are FastAPI's own, which the clients of these services know.
FASTAPI_SERVICES = Wire(
    name="FastAPI services", invalid_status=422, routes=(router,), live={"/ws": PcmSession}
)
