"""By which names a server may be addressed: what keeps other people's pages out of it.

A page of `evil.example` can let that name resolve to 127.0.0.1 and then read, as its own origin,
what a server on the visitor's machine answers (DNS rebinding). The `Host` header gives it away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from eclectus.apps.server.common.wire_errors import HttpError

_REFUSED = 1008


class HostGuard:
    """Refuses requests and WebSockets that address the server by a name that is not its own.

    A connection to a loopback address has a local name or one of the allowed ones. Where the
    server can be reached from elsewhere, every name is taken unless some are allowed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Sequence[str],
        refuse: Callable[[Scope, Exception], Response],
    ) -> None:
        """Prepare.

        Args:
            app: What takes the requests.
            allowed: Names besides the local ones; `*` for all.
            refuse: Makes the response of an error.
        """
        self._app = app
        self._allowed = {name if name == "*" else _without_port(name) for name in allowed}
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if its host is one of the server's."""
        if scope["type"] not in ("http", "websocket") or self._is_own(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _REFUSED})
        else:
            error = HttpError(
                421,
                "this server is not addressed by that name; add it to server.allowed_hosts",
                kind="permission_error",
                code="host_not_allowed",
            )
            await self._refuse(scope, error)(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        named = Headers(scope=scope).get("host")
        if named is None or "*" in self._allowed:
            return True
        name = _without_port(named)
        if name in self._allowed or is_local(name):
            return True
        address = (scope.get("server") or ("", None))[0]
        return not self._allowed and not is_local(address)


def is_local(name: str) -> bool:
    """Return whether a host name or address means this machine, whatever a resolver says."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    # A socket for both families sees IPv4 clients so.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _without_port(host: str) -> str:
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name.lower() if not rest or re.fullmatch(r":\d+", rest) else host
    return host.partition(":")[0].rstrip(".").lower()
