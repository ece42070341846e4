"""A minimal Debian in place of every base image, kept for a week between runs."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from images.commands import run
from images.isolation import remove_tree

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv", "redis-server")
# As in slim images; and no lists of packages, so that a Dockerfile has to fetch them.
UNNEEDED = ("usr/share/doc", "usr/share/man", "usr/share/info", "usr/share/locale")
EMPTIED = ("var/cache/apt", "var/lib/apt/lists")
KEPT_S = 7 * 24 * 3600.0  # later its packages would be older than those that apt fetches


def cache_folder() -> Path:
    """Return where archives are kept: the user's folder for what can be made again."""
    named = os.environ.get("XDG_CACHE_HOME", "")  # noqa: TID251 - not a setting
    return (Path(named) if named else Path.home() / ".cache") / "eclectus-images"


def base_archive(scratch: Path) -> tuple[Path, bool]:
    """Return an archive of the base system, made if none or only an old one is kept.

    Args:
        scratch: Folder to work in.

    Returns:
        The archive, and whether it was kept from an earlier run.
    """
    folder = cache_folder()
    key = hashlib.sha256(repr((SUITE, PACKAGES, UNNEEDED, EMPTIED)).encode()).hexdigest()[:12]
    archive = folder / f"{SUITE}-{key}.tar"
    if archive.exists() and time.time() - archive.stat().st_mtime < KEPT_S:
        return archive, True
    folder.mkdir(parents=True, exist_ok=True)
    system = scratch / "base"
    include = f"--include={','.join(PACKAGES)}"
    run("debootstrap", "--variant=minbase", include, SUITE, system)
    _slim(system)
    part = folder / f"{archive.name}.{scratch.name}"  # each run has its own
    try:
        flags = ("--create", "--numeric-owner", "--xattrs", "--one-file-system")
        run("tar", *flags, "-C", system, "-f", part, ".")
        part.replace(archive)
    finally:
        part.unlink(missing_ok=True)
    for other in folder.glob("*.tar"):
        if other != archive:
            other.unlink(missing_ok=True)
    remove_tree(system)
    return archive, False


def _slim(system: Path) -> None:
    """Take away what a slim image doesn't have either, and name Python as it does."""
    # One that is interrupted leaves the machine's processes mounted in there: see `remove_tree`.
    for name in (*UNNEEDED, *EMPTIED):
        remove_tree(system / name)
    for name in EMPTIED:
        (system / name / "partial").mkdir(parents=True)
    (system / "usr/bin/python").symlink_to("python3")
