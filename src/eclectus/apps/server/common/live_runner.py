"""Runs the conversations of live wires: access, errors, metrics, close."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from starlette.websockets import WebSocket

from eclectus.apps.server.common.auth import check_origin
from eclectus.apps.server.common.conversation import Call, Conversation, Keys
from eclectus.apps.server.common.live_driver import ClientGoneError, Line
from eclectus.apps.server.common.socket_call import SocketCall
from eclectus.apps.server.common.wire_errors import (
    ErrorBody,
    count_error,
    error_response,
    meaning_of,
    message_of,
)
from eclectus.core.errors import EclectusError
from eclectus.service.service import SpeechService

LOG = logging.getLogger(__name__)
_LONGEST_REASON = 123  # bytes; RFC 6455, 5.5.1


async def converse(
    socket: WebSocket,
    service: SpeechService,
    kind: type[Conversation[SocketCall]],
    error_body: ErrorBody,
) -> None:
    """Serve one client of a live wire on a WebSocket.

    Args:
        socket: Not accepted yet.
        service: What recognises.
        kind: Makes the conversation.
        error_body: Of a refused handshake.
    """
    call = SocketCall(socket, service, kind.protocol)
    try:
        conversation = _let_in(call, kind)
    except EclectusError as error:
        count_error(service, error)
        await _refuse(socket, error, error_body)
        return
    await socket.accept(subprotocol=conversation.subprotocol, headers=[*conversation.headers])
    await speak(call.line, conversation, service)


async def speak(line: Line[Any], conversation: Conversation[Any], service: SpeechService) -> None:
    """Run a conversation to its end and close its line, whatever carries it.

    Args:
        line: To the client.
        conversation: Of a client that was let in.
        service: Counts errors.
    """
    try:
        await line.close(await conversation.run())
    except ClientGoneError:
        return
    except Exception as error:
        count_error(service, error)
        if not isinstance(error, EclectusError):
            LOG.exception("a conversation in %s failed", conversation.protocol)
        with suppress(ClientGoneError):
            await conversation.fail(error)
            await line.close(meaning_of(error).close, _reason(error))
    finally:
        await line.leave()


def _let_in(call: SocketCall, kind: type[Conversation[SocketCall]]) -> Conversation[SocketCall]:
    """Check a client and make its conversation.

    Raises:
        EclectusError: It may not come in, or what it asks for is impossible.
    """
    check_origin(call.socket, call.service.settings.server.cors_origins)
    if kind.keys is not Keys.FIRST_MESSAGE:
        call.admit(checked=kind.keys is Keys.HANDSHAKE)
    return kind(call)


def let_in_unkeyed(call: Call, kind: type[Conversation[Any]], address: str) -> None:
    """Admit a client that can't send a key.

    Args:
        call: The client.
        kind: Of its conversation, whose `keys` must be `Keys.NONE`.
        address: Under which the client is counted.

    Raises:
        RuntimeError: They are something else.
    """
    if kind.keys is not Keys.NONE:
        raise RuntimeError(f"{kind.protocol} needs a key, and its connection can't carry one")
    call.client = address


async def _refuse(socket: WebSocket, error: Exception, error_body: ErrorBody) -> None:
    """Answer a handshake with an error's status and body, or with a close where that can't be."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(error_response(error, error_body(error)))
    else:
        await socket.close(meaning_of(error).close, _reason(error))


def _reason(error: Exception) -> str:
    return message_of(error).encode("utf-8", "replace")[:_LONGEST_REASON].decode("utf-8", "ignore")
