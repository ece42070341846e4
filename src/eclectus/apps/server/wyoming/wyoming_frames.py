"""The framing of the Wyoming protocol: a line of JSON, then data in JSON, then a payload."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.wire_errors import HttpError

LONGEST_LINE = 64 * 1024
_LARGEST_DATA = 1024 * 1024
_LARGEST_PAYLOAD = 16 * 1024 * 1024
_VERSION = "1.5.0"


@dataclass(frozen=True, slots=True)
class Message:
    """One event.

    Attributes:
        kind: Its `type`.
        data: What it says.
        payload: Raw audio.
    """

    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    payload: bytes = b""

    def integer(self, name: str, lowest: int, highest: int) -> int:
        """Return a whole number of the data.

        Raises:
            HttpError: It is missing, something else, or out of range.
        """
        value = self.data.get(name)
        if not isinstance(value, int) or not lowest <= value <= highest:
            raise HttpError(
                400, f"{self.kind}: {name} must be between {lowest} and {highest}", param=name
            )
        return value

    def text(self, name: str) -> str | None:
        """Return a text of the data; None if there is none."""
        value = self.data.get(name)
        return value if isinstance(value, str) and value else None


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """Read an event; None at the end of the connection.

    Raises:
        HttpError: It is no event, or too large; nothing that follows can be read.
        asyncio.IncompleteReadError: The connection ended inside it.
    """
    try:
        line = await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:
        raise HttpError(400, f"a header is longer than {LONGEST_LINE} bytes") from error
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise
    header = read_object(line)
    kind, data = header.get("type"), header.get("data")
    data = {} if data is None else data
    if not isinstance(kind, str) or not isinstance(data, dict):
        raise HttpError(400, "a header needs a `type`, and `data` must be an object")
    size = _length(header, "data_length", _LARGEST_DATA)
    payload_size = _length(header, "payload_length", _LARGEST_PAYLOAD)
    if size:
        data = {**data, **read_object(await reader.readexactly(size), _LARGEST_DATA)}
    payload = await reader.readexactly(payload_size) if payload_size else b""
    return Message(kind, data, payload)


def write_message(message: Message) -> bytes:
    """Return the bytes of an event without payload."""
    data = json.dumps(message.data).encode() if message.data else b""
    header: dict[str, Any] = {"type": message.kind, "version": _VERSION}
    if data:
        header["data_length"] = len(data)
    return json.dumps(header).encode() + b"\n" + data


def _length(header: Mapping[str, Any], name: str, highest: int) -> int:
    value = header.get(name) or 0
    if not isinstance(value, int) or not 0 <= value <= highest:
        raise HttpError(400, f"{name} must be between 0 and {highest}", param=name)
    return value
