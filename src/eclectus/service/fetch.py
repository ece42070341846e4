"""Fetches a file from the web for a client, without lending it the server's place in the network.

A client that may name an address could otherwise reach what only this machine reaches: its own
ports, its neighbours, a cloud's metadata. So the name is resolved once, every address it has must
be public, the connection goes to one of these and nowhere else, and redirections are not followed.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import BinaryIO, cast
from urllib.parse import SplitResult, urlsplit

from eclectus.core.errors import AudioNotFoundError, AudioTooLongError

_BLOCK = 1 << 16
_IN_MEMORY = 1_000_000
_PORTS = {"http": 80, "https": 443}
_EMBEDDING = (
    (ipaddress.IPv6Network("64:ff9b::/96"), 0),  # NAT64: IPv4 in the last 32 bits
    (ipaddress.IPv6Network("::/96"), 0),  # IPv4-compatible
    (ipaddress.IPv6Network("2002::/16"), 80),  # 6to4
)


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What a fetch may take.

    Attributes:
        bytes: Largest file.
        seconds: Longest time in all.
    """

    bytes: int
    seconds: float = 60.0


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public internet.

    Private, loopback, link-local, reserved, shared and multicast ones do not; an IPv6 address that
    stands for one of IPv4 is judged by that.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        for network, shift in _EMBEDDING:
            if found in network:
                return is_public(str(ipaddress.IPv4Address((int(found) >> shift) & 0xFFFFFFFF)))
        if found.teredo is not None:
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved)


def fetch(url: str, limits: FetchLimits, *, allowed: Callable[[str], bool] = is_public) -> BinaryIO:
    """Fetch a file; it takes as long as it takes, so call it in a thread.

    Args:
        url: `http` or `https`.
        limits: Size and time.
        allowed: Which IP addresses may be connected to.

    Returns:
        The file from its beginning, which the caller closes.

    Raises:
        AudioNotFoundError: The address is not allowed, or gives no file.
        AudioTooLongError: The file is too large.
    """
    parts, port = _split(url)
    address = _resolve(parts.hostname or "", port, allowed)
    connection = _Pinned(parts, port, address, limits.seconds)
    # Timeouts of sockets count from byte to byte: a trickle would outlast them.
    timer = threading.Timer(limits.seconds, connection.abort)
    timer.daemon = True
    timer.start()
    try:
        with closing(connection):
            return _get(connection, parts, limits)
    except AudioNotFoundError:
        raise
    except (OSError, http.client.HTTPException) as error:
        late = connection.aborted or isinstance(error, TimeoutError)
        reason = f"it took longer than {limits.seconds:g} s" if late else error
        raise AudioNotFoundError(f"the web address can't be read: {reason}") from error
    finally:
        timer.cancel()


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

    def __init__(self, parts: SplitResult, port: int, address: str, timeout_s: float) -> None:
        self._secure = parts.scheme == "https"
        # What `Host` says.
        self.default_port = _PORTS[parts.scheme]
        super().__init__(parts.hostname or "", port, timeout=timeout_s)
        self._address = address
        self._socket: socket.socket | None = None  # `sock` is forgotten before the body is read
        self.aborted = False

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
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self._socket = plain
        if not self._secure:
            self.sock = plain
            return
        try:
            secured = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
            self.sock = self._socket = secured
        except BaseException:
            plain.close()
            raise
