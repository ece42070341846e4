"""The wire of the web page."""

from __future__ import annotations

from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.page.web import open_router, router
from eclectus.apps.server.page.web_ws import Live

# The page itself is open: it asks for the key where the server wants one.
PAGE = Wire(name="page", routes=(router,), open_routes=(open_router,), live={"/web/live": Live})
