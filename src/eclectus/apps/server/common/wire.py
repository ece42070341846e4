"""What a wire declares: its routes, its live conversations, the shape of its errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.routing import Match
from starlette.types import Scope

from eclectus.apps.server.common.conversation import Conversation
from eclectus.apps.server.common.dependencies import get_client, get_service, require_origin
from eclectus.apps.server.common.live_runner import converse
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import ErrorBody, detail_body


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One protocol.

    Attributes:
        name: Its name.
        error_body: What its clients read of an error.
        invalid_status: The status of a request whose fields are wrong.
        routes: Requests; every one wants a key where the server has keys, and no page of another
            site may make it.
        open_routes: Requests that want none, such as those of monitors.
        live: Its conversations by path. Each says itself where its clients show their key.
        claims: Paths that begin so are this wire's, also where it has none.
    """

    name: str
    error_body: ErrorBody = detail_body
    invalid_status: int = 400
    routes: Sequence[APIRouter] = ()
    open_routes: Sequence[APIRouter] = ()
    live: Mapping[str, type[Conversation[SocketCall]]] = field(default_factory=dict)
    claims: str | None = None

    def owns(self, scope: Scope) -> bool:
        """Whether one of its requests is meant."""
        routers = (*self.routes, *self.open_routes)
        routes = (route for router in routers for route in router.routes)
        return any(route.matches(scope)[0] is not Match.NONE for route in routes)


_Endpoint: TypeAlias = Callable[[WebSocket], Awaitable[None]]
_OTHER = Wire(name="other")


class Wires:
    """All wires of a server."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._wires = tuple(wires)

    def install(self, app: FastAPI) -> None:
        """Add all routes: requests, then conversations, those that take any path last."""
        for wire in self._wires:
            for router in wire.open_routes:
                app.include_router(router)
            for router in wire.routes:
                checks = [Depends(require_origin), Depends(get_client)]
                app.include_router(router, dependencies=checks)
        live = [(path, wire, kind) for wire in self._wires for path, kind in wire.live.items()]
        for path, wire, kind in sorted(live, key=lambda one: _takes_any_path(one[0])):
            app.add_api_websocket_route(path, self._endpoint(wire, kind), name=wire.name)

    def of(self, scope: Scope) -> Wire:
        """Return the wire that a request belongs to, also where there is no such path."""
        owners = (wire for wire in self._wires if wire.owns(scope))
        return next(owners, None) or self._claimant(scope) or _OTHER

    def _claimant(self, scope: Scope) -> Wire | None:
        path: str = scope["path"]
        claims = {one.claims: one for one in self._wires if one.claims}
        fitting = [claim for claim in claims if path.startswith(claim)]
        return claims[max(fitting, key=len)] if fitting else None

    def _endpoint(self, wire: Wire, kind: type[Conversation[SocketCall]]) -> _Endpoint:
        async def endpoint(socket: WebSocket) -> None:
            owner = self._claimant(socket.scope) or wire
            await converse(socket, get_service(socket), kind, owner.error_body)

        return endpoint


def _takes_any_path(path: str) -> bool:
    return path.startswith("/{")
