"""The contract of a live wire: one client's messages in, messages about events out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import ClassVar, Generic, TypeVar

from eclectus.apps.server.common.language_codes import language_code
from eclectus.core.errors import CapacityError
from eclectus.core.options import StreamOptions
from eclectus.service.service import SpeechService, StreamRequest

DONE = 1000
"""Close code of a conversation that has come to its end."""


class Keys(Enum):
    """Where the clients of a live wire show their key."""

    HANDSHAKE = "handshake"
    """In a header or a subprotocol; without it the connection is not made."""
    FIRST_MESSAGE = "first message"
    """The conversation calls `SocketCall.admit`; before that it can't open a stream."""
    NONE = "none"
    """The protocol has no place for a key: every client may use it."""


class Call:
    """A client and its access."""

    def __init__(self, service: SpeechService, protocol: str) -> None:
        self.service = service
        self.client: str | None = None
        """The name under which it is counted; None until it is admitted."""
        self._protocol = protocol

    def request(
        self,
        *,
        model: str | None = None,
        options: StreamOptions | None = None,
        language: str | None = None,
        strict_language: bool = False,
        sample_rate: int,
        stalls: bool = False,
    ) -> StreamRequest:
        """Return the request for a stream of this client.

        Args:
            model: A served one; None for the default one.
            options: None for the server's.
            language: As the client wrote it.
            strict_language: Whether one that the model does not know is refused, not ignored.
            sample_rate: Of the samples that will be pushed, in Hz.
            stalls: Whether words that are held back become final when no audio comes.

        Raises:
            RuntimeError: The client was not admitted.
        """
        if self.client is None:
            raise RuntimeError(f"a client of {self._protocol} was not admitted")
        return StreamRequest(
            protocol=self._protocol,
            model=model,
            client=self.client,
            options=options,
            language=language_code(language),
            strict_language=strict_language,
            sample_rate=sample_rate,
            stall_flush_s=self.service.settings.server.stall_flush_s if stalls else None,
        )


_Call = TypeVar("_Call", bound=Call)


class Conversation(ABC, Generic[_Call]):
    """One client of a live wire.

    The runner checks its origin and its key, makes it, accepts, runs it, reports and counts its
    errors, and closes. `__init__` raises an `EclectusError` to refuse the connection.
    """

    protocol: ClassVar[str]
    """Its name in metrics."""
    keys: ClassVar[Keys] = Keys.HANDSHAKE
    subprotocol: str | None = None
    """Which of the offered ones is spoken."""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Of the answer to the handshake."""

    @abstractmethod
    def __init__(self, call: _Call) -> None:
        """Read the handshake."""

    @abstractmethod
    async def run(self) -> int:
        """Serve the client up to the closing message; return the close code."""

    @abstractmethod
    async def fail(self, error: Exception) -> None:
        """Send an error; the runner closes the connection behind it."""


def server_ends() -> CapacityError:
    """Return the error of a conversation that the server ends in a wire without a word for it."""
    return CapacityError("the server is shutting down; try again", limit="closing")
