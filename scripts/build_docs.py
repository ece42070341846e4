#!/usr/bin/env python3
"""Build the documentation into site/ and fail on any warning or dead link between pages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:|#)([^)#\s]+)")


def dead_links() -> list[str]:
    pages = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("*.md"), *ROOT.glob("examples/*.md")]
    dead = []
    for page in pages:
        targets = LINK.findall(page.read_text(encoding="utf-8"))
        missing = [target for target in targets if not (page.parent / target).exists()]
        dead += [f"{page.relative_to(ROOT)}: {target}" for target in missing]
    return dead


def main() -> int:
    if dead := dead_links():
        print("dead links:", *dead, sep="\n  ")
        return 1
    done = subprocess.run(
        [Path(sys.executable).parent / "zensical", "build", "--clean", "--strict"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout.strip(), done.stderr.strip(), sep="\n")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
