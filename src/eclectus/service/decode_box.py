"""The box of a process that decodes what strangers send: what a taken-over decoder can still do.

On Linux it gains no privileges, reaches no network (where the kernel lets it make a namespace of
its own), and takes bounded memory, processor time, files, threads and disk. What it does not do is
hide the files that the server's user can read: that is for a container or systemd, see the guide.
Where a system lacks one of these, the others hold.
"""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress

_NO_NEW_PRIVILEGES = 38
_DUMPABLE = 4
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_CPU_S = 14_400
"""Processor time for one source: a day of sound in eight channels takes an hour of a slow core."""
_SPARE_BYTES = 2**20
_OPEN_FILES = 64
_MOST_TASKS = 64
"""Processes and threads: PyAV's and ffmpeg's."""


def enter(memory_mb: int) -> None:
    """Give up what decoding does not need; for the start of a process, while it has one thread.

    Args:
        memory_mb: Address space that it may take, in MiB.
    """
    _prctl(_NO_NEW_PRIVILEGES, 1)
    alone = _leave_network()
    _limit("RLIMIT_AS", memory_mb * 2**20)
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_NOFILE", _OPEN_FILES)
    if alone:
        # Elsewhere the kernel counts the tasks of this user in all containers of the machine.
        _limit("RLIMIT_NPROC", _MOST_TASKS)


def allow(source_bytes: int) -> None:
    """Bound what the next source may take: processor time, and a file as large as its copy.

    Args:
        source_bytes: Length of the encoded source.
    """
    used_s = sum(os.times()[:2])
    _limit("RLIMIT_CPU", int(used_s) + _CPU_S)
    _limit("RLIMIT_FSIZE", source_bytes + _SPARE_BYTES)


def hide() -> bool:
    """Keep this process's memory and environment from other processes of its user.

    For a server that holds keys: a decoder that was taken over runs as the same user. A debugger of
    that user can't attach either, and there is no core dump.

    Returns:
        Whether the system could do it: Linux can.
    """
    return _prctl(_DUMPABLE, 0)


def _limit(name: str, most: int) -> None:
    """Set a soft limit; where the system knows no such limit, nothing happens."""
    try:
        import resource
    except ImportError:
        return
    kind = getattr(resource, name, None)
    if kind is None:
        return
    _, hard = resource.getrlimit(kind)
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (allowed, hard))


def _prctl(option: int, value: int) -> bool:
    if sys.platform != "linux":
        return False
    status: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    return status == 0


def _leave_network() -> bool:
    """Move to a network that has no other end; return whether also to users of its own."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_USER | _NEW_NETWORK) == 0:
        return True
    libc.unshare(_NEW_NETWORK)
    return False
