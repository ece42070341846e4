"""What a test needs of the machine: where it is missing the test is skipped, and in CI it fails.

A test says it with `@pytest.mark.needs_program("curl")` or `@pytest.mark.needs_package("numpy")`;
`tests/conftest.py` hands the marks to `check_needs`.
"""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec

import pytest

# The names under which a program is installed; others have one name, their own.
_NAMES = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
}


def find_program(name: str) -> str | None:
    """Return the path of a program, or None if it is not installed."""
    found = map(shutil.which, _NAMES.get(name, (name,)))
    return next((path for path in found if path), None)


def require(present: object, what: str) -> None:
    """Skip the running test, or fail it in CI (`CI=true`), if something is not present."""
    if present:
        return
    if os.environ.get("CI", "").lower() in {"true", "1"}:  # noqa: TID251 - not a setting
        pytest.fail(f"needs {what}, and with CI=true nothing may be missing", pytrace=False)
    pytest.skip(f"needs {what}")


def check_needs(item: pytest.Item) -> None:
    """Skip or fail a test if what its marks name is missing."""
    for mark in item.iter_markers("needs_program"):
        for name in mark.args:
            require(find_program(name), f"the program {name} (scripts/setup dev)")
    for mark in item.iter_markers("needs_package"):
        for name in mark.args:
            require(find_spec(name), f"the package {name} (scripts/setup dev)")
