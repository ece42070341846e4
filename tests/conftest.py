"""What holds for all tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.needs import check_needs

if TYPE_CHECKING:
    import eclectus

# How long an example takes says something about the machine, nothing about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# Run in the background of a shell, tests and all that they start would ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before fixtures: none is made for a test that can't run."""
    check_needs(item)


@pytest.fixture(scope="session")
def model() -> Iterator[eclectus.Model]:
    """The built-in model, which all tests of a process share."""
    # Not above: importing this file loads nothing that a test of imports would see.
    import eclectus

    with eclectus.load(threads=1) as model:
        yield model
