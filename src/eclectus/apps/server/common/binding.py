"""Opens the socket; it needs nothing that takes time to import."""

from __future__ import annotations

import socket

from eclectus.core.errors import OptionError


def bind(host: str, port: int) -> socket.socket:
    """Open the socket before the model is loaded, so that a taken port is told at once.

    Raises:
        OptionError: The address is taken or not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where a socket names its protocol; with it, every
    # answer of two writes waits 40 ms for the client's acknowledgement of the first.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # Two sockets may be bound to one port until one of them listens.
        listening.listen()
    except OSError as error:
        listening.close()
        raise OptionError(
            f"can't listen on {host}:{port}: {error.strerror}; choose another --port", port=port
        ) from error
    return listening
