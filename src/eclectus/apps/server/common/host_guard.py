"""By which names a server may be addressed: what keeps other people's pages out of it.

A page of `evil.example` can let that name resolve to 127.0.0.1 and then read, as its own origin,
what a server on the visitor's machine answers (DNS rebinding). The `Host` header gives it away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address

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
        self._allowed = {name.lower() for name in allowed}
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
        return ip_address(name).is_loopback
    except ValueError:
        return False


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()
