"""What a server may be told, beside what the library knows."""

from __future__ import annotations

from dataclasses import dataclass

from eclectus.core.option_spec import Options, option

_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions(Options):
    """How `eclectus serve` serves."""

    host: str = option(
        "127.0.0.1",
        "Address to listen on; `0.0.0.0` for all of the machine's.",
        flag="--host",
        metavar="ADDRESS",
    )
    port: int = option(
        8765,
        "Port of HTTP and WebSocket; 0 for any that is free.",
        least=0,
        most=_HIGHEST_PORT,
        flag="--port/-p",
    )
    wyoming_port: int | None = option(
        None,
        "Port of the Wyoming protocol, for Home Assistant; none not to speak it.",
        least=0,
        most=_HIGHEST_PORT,
        flag="--wyoming-port",
    )
    models: tuple[str, ...] = option(
        (),
        "Other models that clients may ask for, by name, hub id or folder.",
        flag="--also",
        metavar="MODEL",
    )
    unload_idle_s: float | None = option(
        300.0, "One of these that nobody used for so long is unloaded; none never.", unit="s"
    )
    api_keys: tuple[str, ...] = option(
        (),
        "Keys of which clients must show one; none for everybody.",
        secret=True,
        flag="--api-key",
        metavar="KEY",
    )
    cors_origins: tuple[str, ...] = option(
        (),
        "Web origins whose pages may use the server; `*` for all.",
        flag="--cors-origin",
        metavar="URL",
    )
    allowed_hosts: tuple[str, ...] = option(
        (),
        "Names by which clients may address the server besides localhost, as behind a proxy on the "
        "same machine; `*` for all. None: local names on loopback addresses, all names elsewhere.",
        flag="--allowed-host",
        metavar="NAME",
    )
    max_sessions: int = option(64, "Most live streams at once.", least=1, flag="--max-sessions")
    max_sessions_per_client: int | None = option(
        None, "Most live streams of one key or address; none for no limit.", least=1
    )
    max_files: int = option(64, "Most files at once, waiting ones included.", least=1)
    max_files_per_client: int | None = option(
        None, "Most files of one key or address; none for no limit.", least=1
    )
    max_upload_mb: float = option(1024.0, "Largest upload in megabytes.", unit="mb")
    upload_stall_s: float | None = option(
        60.0, "An upload of which nothing comes for so long is refused; none never.", unit="s"
    )
    decoding_memory_mb: int | None = option(
        2048,
        "Most address space of the process that decodes an upload; none to decode in the server's "
        "own, which a hostile file could then take down. On Windows it is always the server's own.",
        least=256,
        unit="mb",
    )
    processing_timeout_s: float | None = option(
        3600.0, "Longest time for one file; none for no limit.", unit="s"
    )
    max_buffered_s: float = option(
        600.0,
        "Seconds of audio that a stream may be ahead of the model before the server stops reading "
        "from it.",
        unit="s",
    )
    stall_flush_s: float = option(
        0.6,
        "A stream without audio for so long shows the words that it holds back; three times as "
        "long if the audio breaks off within speech.",
        unit="s",
    )
    grace_s: float = option(
        20.0,
        "Time for live streams and files to end when the server is stopped.",
        least=0,
        unit="s",
    )
    listener_tokens: tuple[str, ...] = option(
        (), "Tokens of eaRS listeners; none to refuse listeners.", secret=True
    )
    vad_messages: bool = option(False, "Whether eaRS streams tell of pauses.")
    allow_urls: bool = option(False, "Whether a file may be named by its web address.")
    web: bool = option(True, "Whether `/` is the web page.")
