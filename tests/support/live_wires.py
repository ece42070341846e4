"""Every live wire of the server with the few messages that all of them have in some form."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.support.server import Running

PATIENCE_S = 30.0
Json = dict[str, Any]


class Talk(Protocol):
    """One client of a wire."""

    code: int | None
    """Close code, once the server has closed."""

    def send(self, message: str | bytes) -> None: ...
    def hear(self) -> Json | None:
        """The next message; None when the server has closed."""

    def vanish(self) -> None:
        """Be gone without a word."""


@dataclass(frozen=True)
class LiveWire:
    """What a test must know of a live wire.

    Attributes:
        path: Of the WebSocket; None for Wyoming's port.
        begin: The messages that take a place, by the key of the client.
        begun: Whether a message says that a place was taken.
        audio: Writes 16-bit samples at 16 kHz as a message.
        finish: The message that ends the audio; None where there is none.
        refusal: Reads the text of an error message; None for other messages.
        last: Whether a message is what the wire says last when the server ends.
        key: Where a client shows its key: `header`, `message`, or None for a wire without keys.
    """

    path: str | None
    begin: Callable[[str | None], list[str | bytes]]
    begun: Callable[[Json], bool]
    audio: Callable[[bytes], str | bytes]
    finish: str | bytes | None
    refusal: Callable[[Json], str | None]
    last: Callable[[Json], bool]
    key: str | None = "header"

    def open(self, server: Running, key: str | None = None, origin: str | None = None) -> Talk:
        """Connect; raises `InvalidStatus` if the handshake is refused."""
        if self.path is None:
            assert server.server.wyoming_port is not None
            return _TcpTalk(server.server.wyoming_port)
        return _SocketTalk(server.ws + self.path, key if self.key == "header" else None, origin)

    def enter(self, server: Running, key: str | None = None) -> Talk:
        """Connect and ask for a place."""
        talk = self.open(server, key)
        with suppress(ConnectionClosed, OSError):  # it may have been refused already
            for message in self.begin(key):
                talk.send(message)
        return talk


class _SocketTalk:
    def __init__(self, url: str, key: str | None, origin: str | None) -> None:
        self.code: int | None = None
        self._ws = connect(
            url,
            proxy=None,
            compression=None,
            open_timeout=PATIENCE_S,
            ping_interval=None,
            origin=None if origin is None else Origin(origin),
            additional_headers={} if key is None else {"Authorization": f"Bearer {key}"},
        )

    def send(self, message: str | bytes) -> None:
        self._ws.send(message)

    def hear(self) -> Json | None:
        try:
            found: Json = json.loads(self._ws.recv(timeout=PATIENCE_S))
        except ConnectionClosed:
            self.code = self._ws.close_code
            return None
        return found

    def vanish(self) -> None:
        self._ws.close_socket()


class _TcpTalk:
    def __init__(self, port: int) -> None:
        self.code: int | None = None
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._file = self._socket.makefile("rb")

    def send(self, message: str | bytes) -> None:
        self._socket.sendall(message if isinstance(message, bytes) else message.encode())

    def hear(self) -> Json | None:
        line = self._file.readline()
        if not line:
            self.vanish()
            return None
        header: Json = json.loads(line)
        data = json.loads(self._file.read(header.get("data_length") or 0) or b"{}")
        return {**data, "type": header["type"]}

    def vanish(self) -> None:
        self._file.close()
        self._socket.close()


def _as_float24(data: bytes) -> bytes:
    """As eaRS hears it. The rate is not true: what is said does not matter here."""
    return (np.frombuffer(data, "<i2") / 32_768).astype("<f4").tobytes()


def _appended(data: bytes) -> str:
    audio = base64.b64encode(data).decode()
    return json.dumps({"type": "input_audio_buffer.append", "audio": audio})


_FORM = {"rate": 16_000, "width": 2, "channels": 1}


def _chunk(data: bytes) -> bytes:
    header = {"type": "audio-chunk", "data": _FORM, "payload_length": len(data)}
    return json.dumps(header).encode() + b"\n" + data


def _start(key: str | None) -> list[str | bytes]:
    return [json.dumps({"type": "start", "sample_rate": 16_000, "key": key})]


def _raw(data: bytes) -> bytes:
    return data


def _is(kind: str) -> Callable[[Json], bool]:
    return lambda message: message.get("type") == kind


def _error(field: str) -> Callable[[Json], str | None]:
    return lambda message: message[field] if str(message.get("type")).lower() == "error" else None


def _openai_error(message: Json) -> str | None:
    return str(message["error"]["message"]) if message["type"] == "error" else None


LIVE_WIRES = {
    "realtime": LiveWire(
        "/v1/realtime",
        lambda _: [],
        _is("session.created"),
        _appended,
        None,
        _openai_error,
        lambda message: "shutting down" in (_openai_error(message) or ""),
    ),
    "deepgram": LiveWire(
        "/v1/listen?encoding=linear16&sample_rate=16000&interim_results=true",
        lambda _: ['{"type": "Finalize"}'],
        _is("Results"),
        _raw,
        '{"type": "CloseStream"}',
        _error("description"),
        _is("Metadata"),
    ),
    "ears": LiveWire(
        "/",
        lambda _: ['{"type": "getstatus"}'],
        _is("status"),
        _as_float24,
        "stop",
        _error("message"),
        _is("final"),
    ),
    "pcm": LiveWire(
        "/ws",
        lambda _: [],
        lambda message: "text" in message,
        _raw,
        "stop",
        lambda message: message.get("error"),
        lambda message: message.get("is_final") is True,
    ),
    "web": LiveWire(
        "/web/live",
        _start,
        _is("ready"),
        _raw,
        '{"type": "finish"}',
        _error("message"),
        _is("ended"),
        key="message",
    ),
    "wyoming": LiveWire(
        None,
        lambda _: [json.dumps({"type": "audio-start", "data": _FORM}) + "\n"],
        _is("transcript-start"),
        _chunk,
        b'{"type": "audio-stop"}\n',
        _error("text"),
        _is("transcript-stop"),
        key=None,
    ),
}
"""By the name that metrics have for them."""
