"""Who a client is, and whether it may come in."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from starlette.requests import HTTPConnection

from eclectus.apps.server.common.wire_errors import HttpError

_SCHEMES = ("bearer", "token")
_PROTOCOL_KEY = "openai-insecure-api-key."


def shown_key(headers: Mapping[str, str], protocols: Sequence[str] = ()) -> str | None:
    """Return the key that a client shows: in `Authorization`, `x-api-key` or a subprotocol."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() in _SCHEMES and key.strip():
        return key.strip()
    if headers.get("x-api-key"):
        return headers["x-api-key"].strip()
    for protocol in protocols:
        if protocol.startswith(_PROTOCOL_KEY):
            return protocol.removeprefix(_PROTOCOL_KEY)
    if len(protocols) == 2 and protocols[0].lower() in _SCHEMES:
        return protocols[1]
    return None


def admit(connection: HTTPConnection, keys: Sequence[str]) -> str:
    """Return the name under which a client is counted.

    Args:
        connection: A request or a WebSocket.
        keys: Those that open; none for an open server.

    Returns:
        A fingerprint of its key, or its address on an open server.

    Raises:
        HttpError: 401, it shows no key or a wrong one.
    """
    key = shown_key(connection.headers, connection.scope.get("subprotocols") or ())
    if not keys:
        return connection.client.host if connection.client else ""
    # All are compared, each in constant time: the answer's time tells nothing.
    fits = [hmac.compare_digest((key or "").encode(), one.encode()) for one in keys]
    if key is None or not any(fits):
        what = "is wrong" if key else "is missing"
        raise HttpError(
            401,
            f"the API key {what}; send `Authorization: Bearer KEY`",
            kind="authentication_error",
            code="invalid_api_key",
        )
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def check_origin(connection: HTTPConnection, allowed: Sequence[str]) -> None:
    """Refuse what a foreign web page sends with the visitor's own access.

    Browsers send `Origin`, and where they leave it out `Sec-Fetch-Site`; programs send neither.
    Pages of this server itself are welcome.

    Raises:
        HttpError: 403.
    """
    if "*" in allowed:
        return
    origin = connection.headers.get("origin")
    if origin is None:
        if connection.headers.get("sec-fetch-site") in (None, "same-origin", "none"):
            return
        if connection.scope.get("method") in ("GET", "HEAD"):  # a link; no page reads the response
            return
        origin = "another site"
    host = connection.headers.get("host", "")
    if origin not in allowed and origin.partition("://")[2] != host:
        raise HttpError(
            403,
            f"pages of {origin} may not use this server; allow them with server.cors_origins",
            kind="permission_error",
            code="origin_not_allowed",
        )
