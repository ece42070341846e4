"""Logs of a server: a JSON object a line, each with the request it belongs to."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request that is being served."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time, level, logger, message, request id, extras, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (identity := request_id.get()) is not None:
            entry["request_id"] = identity
        entry |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def is_news(record: logging.LogRecord) -> bool:
    """Tell whether a record of uvicorn's is worth a line.

    uvicorn takes each WebSocket that is refused with a status, be it 401 or 404, for a failure of
    the program, after it has sent the status.
    """
    return record.getMessage() != "ASGI callable returned without completing handshake."


def log_as_json(level: str) -> None:
    """Send all logs of the process to standard error as JSON lines, those of the program too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # The command line gave the program's own logs another form before it knew what it would run.
    own = logging.getLogger("eclectus")
    own.handlers.clear()
    own.propagate = True
    own.setLevel(logging.NOTSET)
