"""Where tests keep what they share."""

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ELSEWHERE = re.compile(r"^\s*(?:from|import) tests\.(?!support\b)[\w.]+", re.MULTILINE)


def test_what_tests_share_lives_in_support() -> None:
    found = {
        str(path.relative_to(TESTS)): ELSEWHERE.findall(path.read_text(encoding="utf-8"))
        for path in TESTS.rglob("*.py")
    }
    assert len(found) > 100
    assert {name: imports for name, imports in found.items() if imports} == {}
