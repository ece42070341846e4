#!/usr/bin/env python3
"""Write requirements-dev.lock: the versions of this environment that development needs.

Run it in an environment of `scripts/setup dev` in which all tests have passed. Only names and
versions are written, so that any package index can be used.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.lock"
EXTRAS = ("cpu", "media", "hub")
NOTICE = "# Written by scripts/lock.py: versions with which all tests passed, on Linux.\n"


def wanted() -> list[Requirement]:
    """Return what pyproject.toml names for development."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, groups = document["project"], document["dependency-groups"]
    names = list(project["dependencies"])
    for extra in EXTRAS:
        names += project["optional-dependencies"][extra]
    return [Requirement(name) for name in [*names, *_group(groups, "dev")]]


def _group(groups: dict[str, list[Any]], name: str) -> Iterator[str]:
    for entry in groups[name]:
        if isinstance(entry, str):
            yield entry
        else:
            yield from _group(groups, entry["include-group"])


def locked(requirements: Iterable[Requirement]) -> dict[str, str]:
    """Return the installed versions of requirements and of all that they need."""
    versions: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    queue = [(one, "") for one in requirements]
    while queue:
        requirement, asked_by = queue.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": asked_by}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            found = distribution(name)
        except PackageNotFoundError as missing:
            raise SystemExit(f"{name} is not installed: scripts/setup dev") from missing
        versions[name] = Version(found.version).public
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                queue += [(Requirement(line), extra) for line in found.requires or ()]
    return versions


def main() -> None:
    lines = (f"{name}=={version}\n" for name, version in sorted(locked(wanted()).items()))
    LOCK.write_text(NOTICE + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
