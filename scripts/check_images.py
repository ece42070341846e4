#!/usr/bin/env python3
"""Build every image of `deploy/`, and run what it and `deploy/compose.yaml` start.

Needs root on Debian: its buildah builds without a daemon. A stand-in takes the place of each base
image: a minimal Debian with its own Python and Redis, under the base's name. So this shows that
the steps of a Dockerfile work, that the image's user may do what the program does, that the health
check tells the truth, and that SIGTERM ends it in good order. It does not show that the true base
is there or that a GPU is found: the image for GPUs runs on the CPU.

pip has this machine's configuration in the build: its values, and read-only the local files and
folders that they name. The stand-in is kept for a week in the user's cache folder.

The last lines say what was tried and what was not; `--report FILE` writes them to a file instead.
Exit codes: 0 all is well, or images can't be built here; 1 something is wrong, or `CI=true` on
Debian as root and images can't be built.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from images.commands import ImageError
from images.isolation import enter_own_network, may_isolate, run_isolated, scratch_folder
from images.stand_in import SUITE, base_archive
from images.store import Store

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
PROGRAMS = ("buildah", "debootstrap")


def is_debian() -> bool:
    return Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def is_root() -> bool:
    return os.name == "posix" and os.geteuid() == 0


def why_not() -> str | None:
    """Return why images can't be built here, None if they can; install what is missing."""
    if not is_root():
        return "only root can build images without a daemon"
    if not is_debian():
        return "it takes Debian's buildah and debootstrap"
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        install(missing)
    if missing := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"{' and '.join(missing)} can't be installed"
    return None if may_isolate() else "this root may not mount"


def install(packages: list[str]) -> None:
    """Install packages of Debian; no error if that fails."""
    wanted = ["install", "--yes", "--quiet", "--no-install-recommends", *packages]
    for arguments in (wanted, ["update"], wanted):
        done = subprocess.run(["apt-get", *arguments], capture_output=True, check=False)
        if done.returncode == 0 and arguments is wanted:
            return


def bases(dockerfile: Path) -> list[str]:
    """Return the names of the images that a Dockerfile begins with."""
    text = dockerfile.read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^ARG (\w+)=(.*)$", text, re.MULTILINE))
    named = re.findall(r"^FROM (\S+)(?: AS (\w+))?", text, re.MULTILINE)
    stages = {stage for _, stage in named}
    names = [name for name, _ in named if name not in stages]
    return [re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], name) for name in names]


def check(scratch: Path) -> list[str]:
    """Build and run everything.

    Args:
        scratch: Folder to work in.

    Returns:
        What was tried, and what was not and why: a line each.

    Raises:
        ImageError: Something is wrong.
    """
    # They take packages of the development environment, which need not be here for a skip.
    from images.compose import LEFT_OUT, TRIED, Compose, check_compose
    from images.containers import container
    from images.serving import check_serving

    compose = Compose(DEPLOY / "compose.yaml")
    dockerfiles = sorted(DEPLOY.glob("Dockerfile*"))
    names = list(dict.fromkeys(base for one in dockerfiles for base in bases(one)))
    clock = Clock()
    archive, kept = base_archive(scratch)
    store = Store(scratch)
    store.add_base(archive, names)
    clock.show(f"base ({'kept' if kept else 'made'}) in a store of type {store.driver}")
    built = {}
    for dockerfile in dockerfiles:
        built[dockerfile.name] = store.build(dockerfile, ROOT)
        clock.show(f"{dockerfile.name}: built")
    enter_own_network()
    for name, image in built.items():
        print(f"{name}: run", flush=True)
        with container(store, image) as one:
            check_serving(one, {"ECLECTUS_BACKEND__DEVICE": "cpu"})
    check_compose(store, built["Dockerfile"], names[0], compose)
    clock.show("run")
    return [
        f"built and run: {', '.join(built)}; of compose: {', '.join(sorted(TRIED))}",
        f"not tried: {', '.join(names)} (Debian {SUITE} takes their place); a GPU (none is needed)",
        *(f"not tried: {name} of compose ({why})" for name, why in LEFT_OUT.items()),
    ]


class Clock:
    """Prints how long each part took."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def show(self, what: str) -> None:
        now = time.monotonic()
        print(f"{what}: {now - self._last:.0f} s", flush=True)
        self._last = now


def in_ci() -> bool:
    return os.environ.get("CI", "").lower() in {"true", "1"}  # noqa: TID251 - not a setting


def tell(lines: list[str], report: Path | None) -> None:
    """Print the last lines, or write them to a file."""
    text = "".join(f"images: {line}\n" for line in lines)
    if report is None:
        print(text, end="", flush=True)
    else:
        report.write_text(text, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--report", type=Path)
    report: Path | None = parser.parse_args().report
    if reason := why_not():
        if in_ci() and is_root() and is_debian():
            tell([f"FAILED, because {reason}, and with CI=true it has to be possible"], report)
            return 1
        tell([f"skipped, because {reason}"], report)
        return 0

    def work() -> int:
        try:
            tell(check(scratch), report)
        except ImageError as error:
            print(error, file=sys.stderr, flush=True)
            tell([f"FAILED: {str(error).splitlines()[0]}"], report)
            return 1
        return 0

    with scratch_folder() as scratch:
        return run_isolated(work)


if __name__ == "__main__":
    sys.exit(main())
