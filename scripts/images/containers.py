"""Containers of built images: commands run in them as the image's user."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from images.commands import SHOWN_CHARACTERS, ImageError, run
from images.store import Store

PATIENCE_S = 90.0  # the time that a start, an end and a command are given
HOSTS = ["redis", "store"]  # services of deploy/compose.yaml that others name


@contextmanager
def container(store: Store, image: str) -> Iterator[Container]:
    """Make a container of an image; it is removed in the end."""
    name = store.make_container(image, HOSTS)
    config = json.loads(store.call("inspect", name))["Docker"]["config"]
    try:
        yield Container(store, name, config, Path(store.call("mount", name)))
    finally:
        store.call("rm", name)


@dataclass(frozen=True, slots=True)
class Container:
    """An image that can be run: its configuration, and where its files lie."""

    store: Store
    name: str
    config: Mapping[str, Any]
    place: Path

    @property
    def program(self) -> list[str]:
        """The command that the image starts, without its arguments."""
        return list(self.config.get("Entrypoint") or ())

    @property
    def arguments(self) -> list[str]:
        """The arguments that the image gives it."""
        return list(self.config.get("Cmd") or ())

    @property
    def user(self) -> int:
        """The number of the user that the image names; 0 if none."""
        return int(str(self.config.get("User") or "0").partition(":")[0])

    def command(self, arguments: list[str], variables: Mapping[str, str]) -> list[str]:
        """Return what runs a command inside as the image's user, without any right of root."""
        # The variables are set inside: buildah's own would become part of the image.
        given = [f"{key}={value}" for key, value in variables.items()]
        rights = ("--cap-drop", "ALL") if self.user else ()
        flags = ("--isolation", "chroot", *rights, self.name, "--")
        safe = ("setpriv", "--no-new-privs") if self.user else ()
        return self.store.command("run", *flags, *safe, "env", *given, *arguments)

    def run(self, arguments: list[str], variables: Mapping[str, str]) -> str:
        """Run a command inside to its end and return what it printed."""
        return run(*self.command(arguments, variables), limit_s=PATIENCE_S)

    def is_healthy(self, check: list[str], variables: Mapping[str, str]) -> bool:
        """Return what a health check says."""
        command = self.command(check, variables)
        done = subprocess.run(command, capture_output=True, check=False, timeout=PATIENCE_S)
        return done.returncode == 0

    @contextmanager
    def started(self, arguments: list[str], variables: Mapping[str, str]) -> Iterator[Program]:
        """Start a command inside; in the end it is killed, with all that it started."""
        note = f"/tmp/pid-{time.monotonic_ns()}"
        shell = ["setsid", "--wait", "sh", "-c", f'echo $$ > {note}; exec "$@"', "sh"]
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                self.command([*shell, *arguments], variables), stdout=log, stderr=log
            )
            program = Program(self, process, self.place / note.lstrip("/"), log, variables)
            try:
                yield program
            finally:
                program.kill()


@dataclass(frozen=True, slots=True)
class Program:
    """A command that runs in a container."""

    container: Container
    process: subprocess.Popen[bytes]
    note: Path
    log: Any
    variables: Mapping[str, str]

    @property
    def pid(self) -> int:
        """The number of the program and of its session; containers share the machine's numbers."""
        return int(self.note.read_text())

    def wait_until_healthy(self, check: list[str]) -> None:
        """Wait until the health check says yes."""
        began = time.monotonic()
        while not self.container.is_healthy(check, self.variables):
            if self.process.poll() is not None or time.monotonic() - began > PATIENCE_S:
                self.fail("is not healthy")
            time.sleep(0.2)
        print(f"  healthy after {time.monotonic() - began:.1f} s", flush=True)

    def ask_to_end(self) -> None:
        """Send the signal with which Docker ends the container."""
        os.kill(self.pid, self.stop_signal)

    def wait_until_ended(self) -> None:
        """Wait for the end; it must come, with exit code 0."""
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end at {self.stop_signal.name}")
        if code != 0:
            self.fail(f"ended with {code} at {self.stop_signal.name}")
        print(f"  ended with 0 at {self.stop_signal.name}", flush=True)

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that the image names for the end."""
        return signal.Signals[self.container.config.get("StopSignal") or "SIGTERM"]

    def fail(self, what: str) -> NoReturn:
        """Raise an error that shows what the program has written."""
        self.log.seek(0)
        shown = shlex.join(map(str, self.process.args))  # type: ignore[arg-type]
        raise ImageError(f"{what}: {shown}\n{self.log.read()[-SHOWN_CHARACTERS:]}")

    def kill(self) -> None:
        """End it, and all that it started, by force."""
        if self.note.exists():
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
