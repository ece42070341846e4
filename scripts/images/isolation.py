"""Mounts and a network that only this process and its children see; Linux, as root.

What is mounted during a check goes away with the process, however it ends, and no other program
of the machine ever sees it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from images.commands import ImageError, run

NEW_MOUNTS = 0x00020000  # CLONE_NEWNS
NEW_NETWORK = 0x40000000  # CLONE_NEWNET
SET_INTERFACE_FLAGS = 0x8914  # SIOCSIFFLAGS
UP_AND_RUNNING = 0x41  # IFF_UP | IFF_RUNNING


def enter_own_mounts() -> None:
    """Leave the machine's mounts for a copy that nobody else sees.

    Raises:
        OSError: This root may not.
    """
    _unshare(NEW_MOUNTS)
    run("mount", "--make-rprivate", "/")


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
