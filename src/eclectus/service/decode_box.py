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
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NO_NEW_PRIVILEGES = 38
_DUMPABLE = 4
_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000
_CPU_S = 900
"""Processor time for one source: a day of MP3 takes some two minutes."""
_SPARE_BYTES = 2**20
_OPEN_FILES = 64
_SPARE_TASKS = 64
"""Processes and threads beyond those that its user has: PyAV's and ffmpeg's."""


def enter(memory_mb: int) -> None:
    """Give up what decoding does not need; for the start of a process, while it has one thread.

    Args:
        memory_mb: Address space that it may take, in MiB.
    """
    _prctl(_NO_NEW_PRIVILEGES, 1)
    _leave_network()
    _limit("RLIMIT_AS", memory_mb * 2**20)
    _limit("RLIMIT_CORE", 0)
    _limit("RLIMIT_NOFILE", _OPEN_FILES)
    tasks = _own_tasks()
    if tasks is not None:
        _limit("RLIMIT_NPROC", tasks + _SPARE_TASKS)


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


def _leave_network() -> None:
    """Move to a network that has no other end; needs user namespaces, or the right to make one."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_NETWORK) != 0:
        libc.unshare(_NEW_USER | _NEW_NETWORK)


def _own_tasks() -> int | None:
    """Return how many threads the processes of this user have; None where that is unknown."""
    if not Path("/proc/self/status").exists():
        return None
    return sum(_threads_of_user(os.getuid()))


def _threads_of_user(user: int) -> Iterator[int]:
    for entry in os.scandir("/proc"):
        if not entry.name.isdecimal():
            continue
        with suppress(OSError):  # it ended meanwhile
            if entry.stat().st_uid == user:
                yield sum(1 for _ in os.scandir(f"/proc/{entry.name}/task"))
