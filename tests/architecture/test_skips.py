"""A test is left out for want of a program in one way only, which CI turns into a failure."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
EXEMPT = {
    TESTS / "support" / "needs.py",
    # Its package has an environment and a gate of its own, which fails if it runs no test.
    TESTS / "contract" / "test_pipecat.py",
    Path(__file__).resolve(),
}
# What a machine is, and no installation can change.
SYSTEM = (
    "sys.platform",
    "hasattr(os, ",
    "is_supported()",
    "Path('/proc/",
    "saturates()",
    "can_mount()",
)


def skips(source: str) -> list[str]:
    """The calls that leave tests out for another reason than the system."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    found = []
    for call in calls:
        name = ast.unparse(call.func).rpartition(".")[2]
        of_the_system = any(part in ast.unparse(call) for part in SYSTEM)
        if name in {"skip", "importorskip"} or (name == "skipif" and not of_the_system):
            found.append(ast.unparse(call))
    return found


def test_only_the_helper_skips_for_want_of_a_program() -> None:
    found = {
        path.relative_to(TESTS).as_posix(): calls
        for path in sorted(TESTS.rglob("*.py"))
        if path not in EXEMPT and (calls := skips(path.read_text(encoding="utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "pytest.skip('no curl')",
        "pytest.importorskip('numpy')",
        "mark = pytest.mark.skipif(shutil.which('curl') is None, reason='no curl')",
        "@pytest.mark.skip\ndef test(): pytest.mark.skip(reason='later')",
    ],
)
def test_a_skip_that_hides_a_missing_program_is_found(source: str) -> None:
    assert skips(source)


def test_a_skip_for_the_system_is_none() -> None:
    assert skips("pytest.mark.skipif(sys.platform == 'win32', reason='POSIX signals')") == []
