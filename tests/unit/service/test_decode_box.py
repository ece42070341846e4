"""What a decoder that was taken over can still do."""

import json
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the box is Linux's")

BOXED = """
import json, os, pathlib, resource, socket, subprocess, sys, tempfile
from eclectus.service import decode_box

def tried(action):
    try:
        action()
    except OSError as error:
        return error.errno
    return None

def write():
    with tempfile.TemporaryFile() as file:
        file.write(bytes(3 * 2**20))
        file.flush()

def open_many():
    files = [open(os.devnull) for _ in range(200)]

network = os.readlink("/proc/self/ns/net")
users = os.readlink("/proc/self/ns/user")
decode_box.enter(1024)
decode_box.allow(2**20)
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps({
    "moved": os.readlink("/proc/self/ns/net") != network,
    "users": os.readlink("/proc/self/ns/user") != users,
    "connected": tried(lambda: socket.create_connection(("127.0.0.1", int(sys.argv[1])))),
    "privileges": "NoNewPrivs:\\t1" in status,
    "file": tried(write),
    "files": tried(open_many),
    "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "cpu": resource.getrlimit(resource.RLIMIT_CPU)[0],
    "tasks": resource.getrlimit(resource.RLIMIT_NPROC)[0],
    "program": subprocess.run(["true"]).returncode,
}))
"""

HIDING = """
import ctypes, os, pathlib, sys
from eclectus.service.decode_box import hide

if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # changing the user hides a process; show it again

def read_by_a_child():
    child = os.fork()
    if child == 0:
        try:
            found = b"SECRET=hunter2" in pathlib.Path(f"/proc/{os.getppid()}/environ").read_bytes()
        except OSError:
            os._exit(2)
        os._exit(0 if found else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

print(read_by_a_child(), hide(), read_by_a_child())
"""


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"SECRET": "hunter2", "PYTHONPATH": ":".join(sys.path)},
    )
    return done.stdout


@pytest.fixture(scope="module")
def boxed() -> dict[str, Any]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found: dict[str, Any] = json.loads(run(BOXED, str(server.getsockname()[1])))
    return found


def test_it_reaches_no_network(boxed: dict[str, Any]) -> None:
    """Where the kernel lets it leave the network; some containers forbid that."""
    assert (boxed["connected"] is not None) == boxed["moved"]


def test_it_gains_no_privileges(boxed: dict[str, Any]) -> None:
    assert boxed["privileges"]


def test_it_fills_no_disk_and_takes_no_more_than_its_share(boxed: dict[str, Any]) -> None:
    assert boxed["file"] is not None
    assert boxed["files"] is not None
    assert boxed["memory"] == 1024 * 2**20
    assert boxed["core"] == 0
    assert 14_400 <= boxed["cpu"] < 14_500
    assert boxed["tasks"] == 64 or not boxed["users"]


def test_it_can_still_start_a_decoder(boxed: dict[str, Any]) -> None:
    assert boxed["program"] == 0


def test_a_server_that_hides_keeps_its_keys_from_its_children() -> None:
    assert Path("/proc/self/environ").exists()
    assert run(HIDING).split() == ["0", "True", "2"]
