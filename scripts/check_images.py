#!/usr/bin/env python3
"""Build every image of `deploy/`, and run what it and `deploy/compose.yaml` start.

Needs root on Debian: its buildah builds without a daemon. A stand-in takes the place of each base
image: a minimal Debian with its own Python and Redis, under the base's name. So this shows that
the steps of a Dockerfile work, that the image's user may do what the program does, that the health
check tells the truth, and that SIGTERM ends in good order. It does not show that the true base is
there or that a GPU is found: the image for GPUs is run on the CPU.

pip gets this machine's configuration in the build: its values, and read-only the local files and
folders that they name.

Exit codes: 0 all is well; 1 something is not; with `--why-not`, 0 if it can run here, else 1 and
the reason.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import logging
import os
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
CLIP = ROOT / "tests" / "data" / "garden.flac"
PACKAGES = "ca-certificates,python3,python3-venv,redis-server"
PORT = 8765
PATIENCE_S = 60.0


def why_not() -> str | None:
    """Return why images can't be built here, None if they can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "only root can build images without a daemon"
    if not Path("/etc/debian_version").exists() or shutil.which("apt-get") is None:
        return "it takes Debian's buildah and debootstrap"
    missing = [name for name in ("buildah", "debootstrap") if shutil.which(name) is None]
    if missing:
        install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *missing]
        quietly = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        if subprocess.run(install, check=False, **quietly).returncode != 0:  # type: ignore[call-overload]
            subprocess.run(["apt-get", "update"], check=False, **quietly)  # type: ignore[call-overload]
            if subprocess.run(install, check=False, **quietly).returncode != 0:  # type: ignore[call-overload]
                return f"{' and '.join(missing)} can't be installed"
    return None


def run(*command: str | Path, **options: Any) -> str:
    """Run a command to its end and return what it printed; a failure ends the check."""
    done = subprocess.run(
        [str(part) for part in command], text=True, capture_output=True, check=False, **options
    )
    if done.returncode != 0:
        shown = shlex.join(map(str, command))
        sys.exit(
            f"{shown}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}\nexit code {done.returncode}"
        )
    return done.stdout


class Images:
    """Debian's buildah with a store of its own, which goes away with its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        policy = folder / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        store = ("--root", folder / "store", "--runroot", folder / "run", "--storage-driver", "vfs")
        self._program = ("buildah", *map(str, store))
        self._policy = ("--signature-policy", str(policy))
        self._local = _pip_files(folder)

    def command(self, *arguments: str | Path) -> list[str]:
        """Return the command line of one call."""
        return [*self._program, *map(str, arguments)]

    def call(self, *arguments: str | Path) -> str:
        """Run buildah to its end."""
        return run(*self.command(*arguments)).strip()

    def stand_in(self, names: list[str]) -> None:
        """Make the image that stands in for all bases."""
        container = self.call("from", *self._policy, "scratch")
        place = Path(self.call("mount", container))
        try:
            run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", place)
        finally:
            # One that is interrupted leaves the machine's processes mounted in there.
            subprocess.run(["umount", place / "proc"], capture_output=True, check=False)
        (place / "usr/bin/python").symlink_to("python3")
        for archive in (place / "var/cache/apt/archives").glob("*.deb"):
            archive.unlink()
        first, *others = names
        self.call("commit", *self._policy, "--quiet", "--rm", container, first)
        for name in others:
            self.call("tag", first, name)

    def build(self, dockerfile: Path) -> str:
        """Build an image as `docker build` would and return its name."""
        name = f"localhost/eclectus:{dockerfile.name.lower()}"
        volumes = [part for path in self._local for part in ("--volume", path)]
        # The format of Docker: the other one has no health checks.
        flags = ("--isolation", "chroot", "--pull-never", "--format", "docker")
        self.call(
            "build", *self._policy, *flags, *volumes, "--tag", name, "--file", dockerfile, ROOT
        )
        return name

    @contextmanager
    def container(self, image: str) -> Iterator[Container]:
        """Make a container of an image."""
        hosts = [
            part for name in ("redis", "store") for part in ("--add-host", f"{name}:127.0.0.1")
        ]
        name = self.call("from", *self._policy, "--pull-never", *hosts, image)
        config = json.loads(self.call("inspect", name))["Docker"]["config"]
        try:
            yield Container(self, name, config, Path(self.call("mount", name)))
        finally:
            self.call("rm", name)


def _pip_files(folder: Path) -> list[str]:
    """Write this machine's configuration of pip down; return it and what it names as volumes."""
    listed = run(sys.executable, "-m", "pip", "config", "list")
    found = re.findall(r"^(?:global|install|user|:env:)\.([a-z-]+)='(.*)'$", listed, re.MULTILINE)
    values = {key: value.replace("\\n", " ") for key, value in found if key != "config-file"}
    names = {word.removeprefix("file://") for value in values.values() for word in value.split()}
    config = folder / "pip.conf"
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    config.write_text(f"[global]\n{lines}")
    volumes = [f"{config}:/etc/pip.conf:ro"]
    for name in sorted(names):
        path = Path(name)
        if path.is_absolute() and path.exists():
            # All of an index: its pages lead to files beside them.
            place = path.parent if path.name == "simple" else path
            volumes.append(f"{place}:{place}:ro")
    return list(dict.fromkeys(volumes))


@dataclass(frozen=True, slots=True)
class Container:
    """An image that can be run: its configuration, and where its files lie."""

    images: Images
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

    def command(self, arguments: list[str], variables: Mapping[str, str]) -> list[str]:
        """Return what runs a command inside, as the image's user."""
        # The variables are set inside: buildah's own would become part of the image.
        given = [f"{key}={value}" for key, value in variables.items()]
        return self.images.command(
            "run", "--isolation", "chroot", self.name, "--", "env", *given, *arguments
        )

    def run(self, arguments: list[str], variables: Mapping[str, str]) -> str:
        """Run a command inside to its end."""
        return run(*self.command(arguments, variables))

    @contextmanager
    def started(self, arguments: list[str], variables: Mapping[str, str]) -> Iterator[Started]:
        """Start a command inside; it's killed in the end if it still runs."""
        note = f"/tmp/pid-{time.monotonic_ns()}"
        shell = ["sh", "-c", f'echo $$ > {note}; exec "$@"', "sh"]
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                self.command([*shell, *arguments], variables), stdout=log, stderr=log
            )
            started = Started(self, process, self.place / note.lstrip("/"), log, variables)
            try:
                yield started
            finally:
                started.kill()


@dataclass(frozen=True, slots=True)
class Started:
    """A command that runs in a container."""

    container: Container
    process: subprocess.Popen[bytes]
    note: Path
    log: Any
    variables: Mapping[str, str]

    @property
    def pid(self) -> int:
        """Of the program itself; it shares the process numbers of this machine."""
        return int(self.note.read_text())

    def healthy(self, check: list[str]) -> None:
        """Wait until the health check says yes."""
        command = self.container.command(check, self.variables)
        began = time.monotonic()
        while subprocess.run(command, capture_output=True, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() - began > PATIENCE_S:
                self.fail("is not healthy")
            time.sleep(0.2)
        print(f"  healthy after {time.monotonic() - began:.1f} s")

    def stops(self) -> None:
        """Ask it to end as Docker does; it must, with exit code 0."""
        number = signal.Signals[self.container.config.get("StopSignal") or "SIGTERM"]
        os.kill(self.pid, number)
        try:
            code = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.fail(f"did not end at {number.name}")
        if code != 0:
            self.fail(f"ended with {code} at {number.name}")
        print(f"  ended with 0 at {number.name}")

    def fail(self, what: str) -> None:
        """End the check with what the program said."""
        self.log.seek(0)
        sys.exit(f"{shlex.join(map(str, self.process.args))} {what}:\n{self.log.read()[-4000:]}")  # type: ignore[arg-type]

    def kill(self) -> None:
        """End it by force."""
        if self.process.poll() is None:
            if self.note.exists():
                os.kill(self.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()


def enter_own_network() -> None:
    """Leave the machine's network for one that has nothing but itself.

    Its ports are free whatever runs here, and what is served is served without a network.
    """
    new_network = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_network) != 0:
        sys.exit(f"no network of its own: {os.strerror(ctypes.get_errno())}")
    set_flags, up_and_running = 0x8914, 0x41
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sH14x", b"lo", up_and_running))


def exec_form(test: list[str]) -> list[str]:
    """Return the command of a health check."""
    kind, *command = test
    return command if kind == "CMD" else ["sh", "-c", *command]


def check_image(container: Container, variables: Mapping[str, str]) -> None:
    """Run an image as it comes: healthy, serving as its user, ending when told."""
    check = exec_form(container.config["Healthcheck"]["Test"])
    before = files_outside_volumes(container)
    with container.started([*container.program, *container.arguments], variables) as server:
        server.healthy(check)
        owner = Path(f"/proc/{server.pid}").stat().st_uid
        if str(owner) != container.config["User"].partition(":")[0]:
            server.fail(f"runs as {owner}, not as {container.config['User']}")
        text = post_file(f"http://127.0.0.1:{PORT}/v1/audio/transcriptions")
        if len(text.split()) < 5:
            server.fail(f"wrote {text!r}")
        print(f"  transcribed a clip as user {owner}: {text!r}")
        server.stops()
    changed = files_outside_volumes(container) - before
    if changed:
        sys.exit(f"written outside /models and /tmp, which compose forbids: {sorted(changed)}")


def files_outside_volumes(container: Container) -> set[tuple[str, float]]:
    """Return what a read-only container could not have written, with times."""
    shut = {
        container.place / name for name in ("models", "tmp", "proc", "sys", "dev", "run", "etc")
    }
    found = set()
    for folder, folders, names in os.walk(container.place):
        folders[:] = [one for one in folders if Path(folder, one) not in shut]
        found |= {(name, Path(folder, name).lstat().st_mtime) for name in names}
    return found


def post_file(address: str) -> str:
    """Upload the clip as OpenAI's clients do and return its text."""
    import httpx

    with CLIP.open("rb") as file:
        answer = httpx.post(address, files={"file": file}, timeout=PATIENCE_S, trust_env=False)
    text: str = answer.raise_for_status().json()["text"]
    return text


def check_compose(images: Images, image: str, base: str) -> None:
    """Run the services that are ours and their Redis, and queue a file as told there."""
    from moto.server import ThreadedMotoServer

    services = yaml.safe_load(interpolated(COMPOSE.read_text()))["services"]
    worker, redis = services["worker"], services["redis"]
    variables = environment(worker)
    # In place of rclone, which Debian has no new enough version of.
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=8333, verbose=False)
    with ExitStack() as stack:
        store.start()
        stack.callback(store.stop)
        files = store_client(variables)
        files.create_bucket(Bucket="audio")
        files.upload_file(str(CLIP), "audio", CLIP.name)
        queue = stack.enter_context(images.container(base))
        print("compose: redis")
        (queue.place / "data").mkdir()
        where = ["--dir", "/data"]  # as the true image's working folder
        kept = stack.enter_context(queue.started([*redis["command"], *where], {}))
        kept.healthy(exec_form(redis["healthcheck"]["test"]))
        one = stack.enter_context(images.container(image))
        print("compose: worker")
        at_work = stack.enter_context(one.started([*one.program, *worker["command"]], variables))
        at_work.healthy(exec_form(worker["healthcheck"]["test"]))
        submit = ["jobs", "submit", "s3://audio/", "--to", "s3://audio/text", "--wait"]
        one.run([*one.program, *submit], variables)
        written = files.get_object(Bucket="audio", Key="text/garden.txt")["Body"].read()
        print(f"  transcribed a queued file: {written.decode().strip()!r}")
        at_work.stops()
        kept.stops()
        server = services["server"]
        print("compose: server")
        settings = environment(server)
        check_image(one, settings)


def store_client(variables: Mapping[str, str]) -> Any:
    """Return a client of the store that stands in for compose's, with compose's keys."""
    import boto3

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:8333",
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )


def environment(service: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a service; one whose default is nothing is empty."""
    return {key: str(value or "") for key, value in service["environment"].items()}


def interpolated(text: str) -> str:
    """Return a compose file with the defaults of its variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def bases(dockerfile: Path) -> list[str]:
    """Return the full names of the images that a Dockerfile begins with."""
    text = dockerfile.read_text()
    defaults = dict(re.findall(r"^ARG (\w+)=(.*)$", text, re.MULTILINE))
    named = re.findall(r"^FROM (\S+)(?: AS (\w+))?", text, re.MULTILINE)
    stages = {stage for _, stage in named}
    found = []
    for name, _ in named:
        if name not in stages:
            full = re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], name)
            found.append(f"docker.io/{full if '/' in full else f'library/{full}'}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--why-not", action="store_true")
    reason = why_not()
    if parser.parse_args().why_not:
        print(reason or "", end="")
        return reason is not None
    if reason is not None:
        sys.exit(reason)
    dockerfiles = sorted(DEPLOY.glob("Dockerfile*"))
    with tempfile.TemporaryDirectory(prefix="eclectus-images-") as name:
        images = Images(Path(name))
        names = list(dict.fromkeys(base for one in dockerfiles for base in bases(one)))
        clock = time.monotonic()
        images.stand_in(names)
        print(f"a stand-in for {', '.join(names)}: {time.monotonic() - clock:.0f} s", flush=True)
        built = {}
        for dockerfile in dockerfiles:
            clock = time.monotonic()
            built[dockerfile.name] = images.build(dockerfile)
            print(f"{dockerfile.name}: built in {time.monotonic() - clock:.0f} s", flush=True)
        enter_own_network()
        for dockerfile, image in built.items():
            print(f"{dockerfile}: run", flush=True)
            with images.container(image) as container:
                check_image(container, {"ECLECTUS_BACKEND__DEVICE": "cpu"})
        check_compose(images, built["Dockerfile"], names[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
