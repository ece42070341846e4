"""Processes, mounts and a network of their own for a piece of work; Linux, as root.

What is started and mounted goes away with the work, however it ends, and no other program of the
machine ever sees the mounts.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from images.commands import ImageError, run

NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
NEW_PROCESSES = 0x20000000  # CLONE_NEWPID
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG
SET_INTERFACE_FLAGS = 0x8914  # SIOCSIFFLAGS
UP_AND_RUNNING = 0x41  # IFF_UP | IFF_RUNNING


def may_isolate() -> bool:
    """Return whether this root may make what the work needs."""
    trial = ["unshare", "--mount", "--pid", "--fork", "--net", "true"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def run_isolated(work: Callable[[], int]) -> int:
    """Run a piece of work in a process whose children end with it, and with mounts of its own.

    SIGTERM is passed on. The caller can start no programs after this.

    Returns:
        The exit code that the work returns; another than 0 if it is killed.
    """
    _unshare(NEW_PROCESSES)
    child = os.fork()  # the first process of the new numbers: if it ends, the kernel kills all
    if child == 0:
        _be_first_process(work)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the child as well
    _, status = os.waitpid(child, 0)
    return abs(os.waitstatus_to_exitcode(status))


def _be_first_process(work: Callable[[], int]) -> NoReturn:
    code = 1
    try:
        ctypes.CDLL(None).prctl(SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        _unshare(NEW_MOUNTS)
        run("mount", "--make-rprivate", "/")
        run("mount", "-t", "proc", "proc", "/proc")
        code = work()
    except SystemExit as error:
        code = int(error.code or 0)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def enter_own_network() -> None:
    """Leave the machine's network for one that has nothing but itself.

    Its ports are free whatever runs on the machine, and what is served is served offline.

    Raises:
        OSError: This root may not.
    """
    import fcntl  # nowhere but on Unix, while the rest of this module is read on every system

    _unshare(NEW_NETWORK)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14x", b"lo", UP_AND_RUNNING)
        fcntl.ioctl(any_socket, SET_INTERFACE_FLAGS, request)


def _unshare(what: int) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(what) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder that is removed in the end, after all that is mounted in it."""
    folder = Path(tempfile.mkdtemp(prefix="eclectus-images-")).resolve()
    try:
        yield folder
    finally:
        remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Remove a folder; first all that is mounted in it.

    Raises:
        ImageError: Something stays mounted. Nothing has been removed then.
    """
    for place in reversed(_mounted_below(folder)):
        subprocess.run(["umount", place], capture_output=True, check=False)
    if left := _mounted_below(folder):
        shown = ", ".join(map(str, left))
        raise ImageError(f"{folder} is left as it is, since there is something mounted: {shown}")
    shutil.rmtree(folder)


def _mounted_below(folder: Path) -> list[Path]:
    """Return the places in a folder, or itself, where something is mounted, in their order."""
    lines = Path("/proc/self/mounts").read_bytes().splitlines()
    # A space in a name is written as \040.
    places = [Path(line.split()[1].decode("unicode_escape")) for line in lines]
    return [place for place in places if place == folder or folder in place.parents]


def overlay_works(folder: Path) -> bool:
    """Return whether the kernel can lay folders of this file system over each other."""
    layers = {name: folder / "overlay" / name for name in ("lower", "upper", "work", "merged")}
    for layer in layers.values():
        layer.mkdir(parents=True)
    options = f"lowerdir={layers['lower']},upperdir={layers['upper']},workdir={layers['work']}"
    command = ["mount", "-t", "overlay", "overlay", "-o", options, str(layers["merged"])]
    works = subprocess.run(command, capture_output=True, check=False).returncode == 0
    remove_tree(folder / "overlay")
    return works
