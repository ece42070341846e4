"""The flags of `eclectus serve`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from eclectus.apps.cli.flags import FLAGS, STREAM_FLAGS, Flag

Host = Annotated[
    str | None,
    typer.Option("--host", metavar="ADDRESS", help="Where to listen; 0.0.0.0: for everybody."),
]
Port = Annotated[
    str | None, typer.Option("--port", "-p", metavar="N", help="Of HTTP and WebSocket.")
]
WyomingPort = Annotated[
    str | None,
    typer.Option("--wyoming-port", metavar="N", help="Speak Wyoming too, for Home Assistant."),
]
AlsoModels = Annotated[
    list[str] | None,
    typer.Option("--also", metavar="MODEL", help="Another model that clients may ask for."),
]
ApiKeys = Annotated[
    list[str] | None,
    typer.Option("--api-key", metavar="KEY", help="Clients must show it; may be repeated."),
]
CorsOrigins = Annotated[
    list[str] | None,
    typer.Option("--cors-origin", metavar="URL", help="Web pages there may use the server."),
]
MaxSessions = Annotated[
    str | None, typer.Option("--max-sessions", metavar="N", help="Most live streams at once.")
]

_SHARED = ("model", "language", "device", "threads", "fp32", "fp16", "bf16", "int8", "decoder")
_LIVE = ("left", "chunk", "right", "endpoint_silence")
SERVE_FLAGS: Mapping[str, Flag] = {
    "host": Flag(Host, "server.host"),
    "port": Flag(Port, "server.port"),
    "wyoming_port": Flag(WyomingPort, "server.wyoming_port"),
    **{name: FLAGS[name] for name in _SHARED},
    "also": Flag(AlsoModels, "server.models"),
    "api_key": Flag(ApiKeys, "server.api_keys"),
    "cors_origin": Flag(CorsOrigins, "server.cors_origins"),
    "max_sessions": Flag(MaxSessions, "server.max_sessions"),
    "batch_size": FLAGS["batch_size"],
    **{name: STREAM_FLAGS[name] for name in _LIVE},
}
