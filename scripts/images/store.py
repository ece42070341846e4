"""Debian's buildah: images from Dockerfiles without a daemon, in a store of their own."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from images.commands import run
from images.isolation import overlay_works


class Store:
    """Images and containers in a folder; nothing outside it is written.

    Attributes:
        driver: How layers are kept: `overlay` where the kernel can, else whole copies (`vfs`).
    """

    def __init__(self, folder: Path) -> None:
        policy = folder / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.driver = "overlay" if overlay_works(folder) else "vfs"
        place = ("--root", folder / "store", "--runroot", folder / "run")
        self._program = ("buildah", *map(str, place), "--storage-driver", self.driver)
        self._policy = ("--signature-policy", str(policy))
        self._local = pip_volumes(folder)

    def command(self, *arguments: str | Path) -> list[str]:
        """Return the command line of one call of buildah."""
        return [*self._program, *map(str, arguments)]

    def call(self, *arguments: str | Path) -> str:
        """Run buildah to its end and return what it printed."""
        return run(*self.command(*arguments)).strip()

    def add_base(self, archive: Path, names: list[str]) -> None:
        """Make an image of an archive of a whole system, under all these names."""
        container = self.call("from", *self._policy, "scratch")
        place = self.call("mount", container)
        run("tar", "--extract", "--numeric-owner", "--xattrs", "-C", place, "-f", archive)
        # buildah looks here first for a name without a registry.
        first, *others = [f"localhost/{name}" for name in names]
        self.call("commit", *self._policy, "--quiet", "--rm", container, first)
        for name in others:
            self.call("tag", first, name)

    def build(self, dockerfile: Path, context: Path) -> str:
        """Build an image as `docker build` does and return its name."""
        name = f"localhost/eclectus:{dockerfile.name.lower()}"
        volumes = [part for path in self._local for part in ("--volume", path)]
        # The format of Docker: the other one has no health checks.
        flags = ("--isolation", "chroot", "--pull-never", "--format", "docker", *volumes)
        place = ("--tag", name, "--file", dockerfile, context)
        self.call("build", *self._policy, *flags, *place)
        return name

    def make_container(self, image: str, hosts: list[str]) -> str:
        """Make a container of an image, in which these names mean this machine; return its name."""
        known = [part for name in hosts for part in ("--add-host", f"{name}:127.0.0.1")]
        return self.call("from", *self._policy, "--pull-never", *known, image)


def pip_volumes(folder: Path) -> list[str]:
    """Return what gives a build the configuration of pip that this machine has.

    Args:
        folder: Where the configuration is written down.

    Returns:
        Volumes as `SOURCE:PLACE:ro`: the configuration, and the local files and folders that it
        names (own certificates, constraints, folders of wheels).
    """
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
