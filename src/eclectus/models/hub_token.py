"""Where an access token may go: to the hub it belongs to, and never unencrypted over a network."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_HOME = "huggingface.co"
"""The hub that `HF_TOKEN` and the login of the hub's client belong to."""


def is_home(endpoint: str) -> bool:
    """Return whether an endpoint is the hub to which the client's own token belongs."""
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    return parts.scheme == "https" and (host == _HOME or host.endswith(f".{_HOME}"))


def is_private(endpoint: str) -> bool:
    """Return whether what is sent to an endpoint can't be read on the way."""
    parts = urlsplit(endpoint)
    return parts.scheme == "https" or _is_loopback(parts.hostname or "")


def may_have_token(location: str, asked: str) -> bool:
    """Return whether a token for one address may go to another that it redirects to."""
    return _origin(urlsplit(location)) == _origin(urlsplit(asked))


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, parts.hostname, port


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
