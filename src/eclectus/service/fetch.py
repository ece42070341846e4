"""Fetches a file from the web for a client, without lending it the server's place in the network.

A client that may name an address could otherwise reach what only this machine reaches: its own
ports, its neighbours, a cloud's metadata. So the name is resolved once, every address it has must
be public, the connection goes to one of these and nowhere else, and redirections are not followed.
"""

from __future__ import annotations

import asyncio
import errno
import http.client
import os
import selectors
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import SplitResult, urlsplit

from eclectus.core.errors import AudioNotFoundError, AudioTooLongError
from eclectus.service.public_addresses import is_elsewhere

_BLOCK = 1 << 16
_IN_MEMORY = 1_000_000
_PORTS = {"http": 80, "https": 443}
_CONNECT_S = 10.0
_LOOK_S = 0.2
"""How often a connection that is being made looks whether it is still wanted."""
_THREADS = 8
_UNDER_WAY = {0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", -1)}


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may take.

    Attributes:
        bytes: Largest file.
        seconds: Longest time in all.
    """

    bytes: int
    seconds: float = 60.0


class Fetcher:
    """Fetches for clients, in threads that nothing else waits for."""

    def __init__(self, allowed: Callable[[str], bool] = is_elsewhere) -> None:
        """Prepare.

        Args:
            allowed: Which IP addresses may be connected to.
        """
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(_THREADS, "eclectus-fetch")
        self._wanted: set[threading.Event] = set()

    async def fetch(self, url: str, limits: FetchLimits) -> BinaryIO:
        """Fetch a file. Cancelling the call ends the connection.

        Raises:
            AudioNotFoundError: The address is not allowed, gives no file, or takes too long, the
                wait for a free thread included.
            AudioTooLongError: The file is too large.
        """
        wanted = threading.Event()
        self._wanted.add(wanted)
        work = self._threads.submit(fetch, url, limits, allowed=self._allowed, cancelled=wanted)
        try:
            async with asyncio.timeout(limits.seconds):
                return await asyncio.wrap_future(work)
        except TimeoutError as error:
            raise _too_late(limits) from error
        finally:
            wanted.set()
            self._wanted.discard(wanted)
            work.add_done_callback(_close_unwanted if not work.done() else lambda _: None)

    def close(self) -> None:
        """Begin nothing any more, and end what is under way."""
        for wanted in tuple(self._wanted):
            wanted.set()
        self._threads.shutdown(wait=False, cancel_futures=True)


def _close_unwanted(work: Future[BinaryIO]) -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().close()


def _too_late(limits: FetchLimits) -> AudioNotFoundError:
    return AudioNotFoundError(
        f"the web address can't be read: it took longer than {limits.seconds:g} s"
    )


def fetch(
    url: str,
    limits: FetchLimits,
    *,
    allowed: Callable[[str], bool] = is_elsewhere,
    cancelled: threading.Event | None = None,
) -> BinaryIO:
    """Fetch a file; it takes as long as it takes, so call it in a thread.

    Args:
        url: `http` or `https`.
        limits: Size and time.
        allowed: Which IP addresses may be connected to.
        cancelled: Set, from another thread, when nobody wants the file any more.

    Returns:
        The file from its beginning, which the caller closes.

    Raises:
        AudioNotFoundError: The address is not allowed, or gives no file.
        AudioTooLongError: The file is too large.
    """
    parts, port = _split(url)
    address = _resolve(parts.hostname or "", port, allowed)
    cancelled = cancelled or threading.Event()
    connection = _Pinned(parts, port, address, limits.seconds, cancelled)
    # Timeouts of sockets count from byte to byte: a trickle would outlast them.
    watch = threading.Thread(target=connection.watch, args=(limits.seconds,), daemon=True)
    watch.start()
    try:
        with closing(connection):
            return _get(connection, parts, limits)
    except AudioNotFoundError:
        raise
    except (OSError, http.client.HTTPException) as error:
        late = connection.aborted or isinstance(error, TimeoutError)
        if late:
            raise _too_late(limits) from error
        raise AudioNotFoundError(f"the web address can't be read: {error}") from error
    finally:
        connection.done.set()


def _split(url: str) -> tuple[SplitResult, int]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AudioNotFoundError(f"this is no web address: {error}") from error
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise AudioNotFoundError(
            "a web address begins with http:// or https:// and a host, without a user's name"
        )
    return parts, port or _PORTS[parts.scheme]


def _resolve(host: str, port: int, allowed: Callable[[str], bool]) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AudioNotFoundError(f"the host {host!r} is not known") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(map(allowed, addresses)):
        raise AudioNotFoundError(f"the host {host!r} is not a public one; it is not asked")
    return addresses[0]


def _get(connection: _Pinned, parts: SplitResult, limits: FetchLimits) -> BinaryIO:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("GET", target, headers={"Accept-Encoding": "identity"})
    response = connection.getresponse()
    if response.status != 200:
        raise AudioNotFoundError(
            f"the web address answers with status {response.status}; it must give the file itself, "
            "redirections are not followed"
        )
    file = cast("BinaryIO", tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - handed on
    try:
        _copy(response, file, limits)
        connection.check()
    except BaseException:
        file.close()
        raise
    return file


def _copy(response: http.client.HTTPResponse, file: BinaryIO, limits: FetchLimits) -> None:
    while block := response.read(_BLOCK):
        file.write(block)
        _check_size(file.tell(), limits)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    file.seek(0)


def _check_size(size: int, limits: FetchLimits) -> None:
    if size > limits.bytes:
        raise AudioTooLongError(
            f"the file at the web address is larger than {limits.bytes / 1e6:g} MB",
            limit_bytes=limits.bytes,
        )


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, whatever its host's name resolves to now."""

    def __init__(
        self,
        parts: SplitResult,
        port: int,
        address: str,
        timeout_s: float,
        cancelled: threading.Event,
    ) -> None:
        self._secure = parts.scheme == "https"
        # What `Host` says.
        self.default_port = _PORTS[parts.scheme]
        super().__init__(parts.hostname or "", port, timeout=timeout_s)
        self._address = address
        self._socket: socket.socket | None = None  # `sock` is forgotten before the body is read
        self._cancelled = cancelled
        self.aborted = False
        self.done = threading.Event()

    def watch(self, limit_s: float) -> None:
        """Abort when the time is up, or when nobody wants the file any more."""
        end = time.monotonic() + limit_s
        while not self.done.wait(_LOOK_S):
            if self._cancelled.is_set() or time.monotonic() > end:
                self.abort()  # again and again: the socket may have been another

    def abort(self) -> None:
        """End what is under way, from another thread."""
        self.aborted = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def check(self) -> None:
        """Raise if it was ended: what was read may look whole."""
        if self.aborted:
            raise TimeoutError

    def connect(self) -> None:
        plain = self._socket = self._connected()
        if not self._secure:
            self.sock = plain
            return
        try:
            secured = ssl.create_default_context().wrap_socket(
                plain, server_hostname=self.host, do_handshake_on_connect=False
            )
            self.sock = self._socket = secured  # what `abort` ends
            self.check()
            secured.do_handshake()
            self.check()
        except BaseException:
            plain.close()
            raise

    def _connected(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._connect(plain)
        except BaseException:
            plain.close()
            raise
        return plain

    def _connect(self, plain: socket.socket) -> None:
        """Connect in short steps: what waits for an answer can't be woken by another thread."""
        plain.setblocking(False)
        state = plain.connect_ex((self._address, self.port))
        end = time.monotonic() + _CONNECT_S
        with selectors.DefaultSelector() as selector:
            selector.register(plain, selectors.EVENT_WRITE)
            while state in _UNDER_WAY and not selector.select(_LOOK_S):
                if self.aborted or time.monotonic() > end:
                    raise TimeoutError
        state = plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if state:
            raise OSError(state, os.strerror(state))
        plain.settimeout(self.timeout)
