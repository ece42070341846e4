#!/usr/bin/env python3
"""Print what the reports of gates say in a few lines: failed tests, and what was skipped and why.

Takes JUnit files of pytest and text files, which are printed as they are.
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from pathlib import Path

SHOWN = 20


def cases(report: Path) -> list[tuple[str, str, ET.Element]]:
    """The tests of a report: module as a path, name, and what pytest says of it."""
    root = ET.parse(report).getroot()
    return [
        (f"{case.get('classname', '').replace('.', '/')}.py", case.get("name", ""), case)
        for case in root.iter("testcase")
    ]


def failures(report: Path) -> list[str]:
    return [
        f"{module}::{name}"
        for module, name, case in cases(report)
        if case.find("failure") is not None or case.find("error") is not None
    ]


def skipped(report: Path) -> list[str]:
    """A line for each reason: how many tests of which modules."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for module, _, case in cases(report):
        found = case.find("skipped")
        if found is not None:
            reasons[found.get("message", "no reason given")][module] += 1
    return [
        f"{report.stem}: {modules.total()} skipped: {reason} ({', '.join(sorted(modules))})"
        for reason, modules in sorted(reasons.items())
    ]


def main() -> int:
    for report in map(Path, sys.argv[1:]):
        if report.suffix != ".xml":
            print(report.read_text(encoding="utf-8").rstrip())
            continue
        failed = failures(report)
        for test in failed[:SHOWN]:
            print(f"{report.stem}: failed: {test}")
        if len(failed) > SHOWN:
            print(f"{report.stem}: … and {len(failed) - SHOWN} more")
        for line in skipped(report):
            print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
