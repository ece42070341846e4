"""The wire of eaRS."""

from __future__ import annotations

from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.ears.ears_ws import EarsConversation

EARS = Wire(name="eaRS", live={"/{path:path}": EarsConversation})
