"""whisper.cpp's wire."""

from __future__ import annotations

from eclectus.apps.server.common.wire import Wire
from eclectus.apps.server.common.wire_errors import message_of
from eclectus.apps.server.whisper_cpp.whisper_cpp_files import router


def error_body(error: Exception) -> dict[str, object]:
    """Return an error in whisper.cpp's shape."""
    return {"error": message_of(error)}


WHISPER_CPP = Wire(name="whisper.cpp", error_body=error_body, routes=(router,))
