"""A process that decodes what strangers send: `python -m eclectus.service.decode_worker FD MIB`.

It speaks with its parent over a socket: for each source a request, then blocks of samples until an
empty one, or a message that says why there are none. It has nothing that is worth attacking: no
model, no keys, no other client's audio; and what it may take of the machine is limited.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import fields
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import Any, BinaryIO

from eclectus.core.choices import DecoderChoice
from eclectus.core.errors import EclectusError, UndecodableAudioError
from eclectus.core.options import AudioOptions
from eclectus.signal.decode import open_audio

BLOCK, PROBLEM, OPENED = b"b", b"p", b"o"
"""The first byte of an answer."""
IDLE_S = 60.0
"""Who is not asked for so long ends: a burst of uploads must not keep its processes for ever."""


def limit_resources(memory_mb: int) -> None:
    """Bound what this process may take; where the system knows no such bounds, nothing happens."""
    try:
        import resource
    except ImportError:
        return
    size = memory_mb * 2**20
    for kind, most in ((resource.RLIMIT_AS, size), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, hard))


def serve(link: Connection) -> None:
    """Answer requests until the parent is gone, or has none for a while."""
    while link.poll(IDLE_S):
        try:
            request = json.loads(link.recv_bytes())
            source = _source(link, request)
        except EOFError:
            return
        try:
            with source:
                _answer(link, source, request)
        except EclectusError as error:
            _tell_problem(link, error)
        except MemoryError:
            _tell_problem(link, UndecodableAudioError("decoding it takes too much memory"))
        except (BrokenPipeError, ConnectionResetError):
            return


def _source(link: Connection, request: dict[str, Any]) -> BinaryIO:
    if request["inline"]:
        return io.BytesIO(link.recv_bytes())
    return os.fdopen(recv_handle(link), "rb")


def _answer(link: Connection, source: BinaryIO, request: dict[str, Any]) -> None:
    options = options_of(request["options"])
    with open_audio(source, options, target_rate=request["target_rate"]) as stream:
        link.send_bytes(OPENED + json.dumps(stream.duration_s).encode())
        for block in stream:
            link.send_bytes(BLOCK + block.astype("<f4").tobytes())
    link.send_bytes(BLOCK)


def _tell_problem(link: Connection, error: EclectusError) -> None:
    context = {name: value for name, value in error.context.items() if _is_plain(value)}
    told = {"code": error.code, "message": error.message, "context": context}
    link.send_bytes(PROBLEM + json.dumps(told).encode())


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def options_of(values: dict[str, Any]) -> AudioOptions:
    """Return the options of a request."""
    return AudioOptions(**{**values, "decoder": DecoderChoice(values["decoder"])})


def values_of(options: AudioOptions) -> dict[str, Any]:
    """Return options as JSON has them."""
    return {one.name: getattr(options, one.name) for one in fields(options)}


def main() -> None:
    """Serve on the socket that the command line names."""
    # Who ends the parent in good order, and signals its whole group, lets this file end too.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    descriptor, memory_mb = (int(argument) for argument in sys.argv[1:3])
    limit_resources(memory_mb)
    with Connection(descriptor) as link:
        serve(link)


if __name__ == "__main__":
    main()
