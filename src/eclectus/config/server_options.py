"""What a server may be told, beside what the library knows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """How `eclectus serve` serves.

    Attributes:
        host: Address to listen on; `0.0.0.0` for all of the machine's.
        port: Port of HTTP and WebSocket.
        wyoming_port: Port of the Wyoming protocol; None not to speak it.
        models: Other models that clients may ask for, by name, hub id or folder.
        unload_idle_s: A model of these that nobody used for so long is unloaded; None never.
        api_keys: Keys of which clients must show one; none for everybody.
        cors_origins: Web origins whose pages may use the server; `*` for all.
        max_sessions: Most live streams at once.
        max_sessions_per_client: Most live streams of one key or address; None for no limit.
        max_files: Most files at once, waiting ones included.
        max_files_per_client: Most files of one key or address; None for no limit.
        max_upload_mb: Largest upload in megabytes.
        upload_stall_s: An upload of which nothing comes for so long is refused; None never.
        decoding_memory_mb: Most address space of the process that decodes an upload; None to decode
            in the server's own, which a hostile file could then take down. On Windows it is always
            the server's own.
        processing_timeout_s: Longest time for one file; None for no limit.
        max_buffered_s: Seconds of audio that a stream may be ahead of the model before the server
            stops reading from it.
        stall_flush_s: A stream without audio for so long shows the words that it holds back;
            three times as long if the audio breaks off within speech.
        grace_s: Time for live streams and files to end when the server is told to.
        listener_tokens: Tokens of eaRS listeners; none to refuse listeners.
        vad_messages: Whether eaRS streams tell of pauses.
        allow_urls: Whether a file may be named by its web address.
        web: Whether `/` is the web page.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    wyoming_port: int | None = None
    models: tuple[str, ...] = ()
    unload_idle_s: float | None = 300.0
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    cors_origins: tuple[str, ...] = ()
    max_sessions: int = 64
    max_sessions_per_client: int | None = None
    max_files: int = 64
    max_files_per_client: int | None = None
    max_upload_mb: float = 1024.0
    upload_stall_s: float | None = 60.0
    decoding_memory_mb: int | None = 2048
    processing_timeout_s: float | None = 3600.0
    max_buffered_s: float = 600.0
    stall_flush_s: float = 0.6
    grace_s: float = 20.0
    listener_tokens: tuple[str, ...] = field(default=(), repr=False)
    vad_messages: bool = False
    allow_urls: bool = False
    web: bool = True
