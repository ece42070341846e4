"""The formats are known from their modules: no page, program or test holds a list of its own."""

import re
import subprocess
from pathlib import Path

import pytest

from eclectus.output.registry import FORMATS
from tests.support.needs import require

ROOT = Path(__file__).resolve().parents[2]
# A name with its quotes, then what stands between names of a list, a tuple, a sentence or a union.
NAME = rf"\b(?:{'|'.join(FORMATS)})\b"
BETWEEN = r"""[`"'«»*\s]*(?:,|/|\||\band\b|\bor\b|:|=>)?[^\S\n]*\n?[`"'\s]*"""
LIST = re.compile(rf"(?:{NAME}{BETWEEN}){{3,}}{NAME}")
MARKED = re.compile(r"<!-- formats:[a-z]+ -->.*?<!-- / -->", re.DOTALL)
# What is written by scripts/generate_reference.py, and what tells of the past.
GENERATED = ("docs/reference/", "tests/cli/snapshots/", "CHANGELOG.md")
TEXTS = {".py", ".md", ".js", ".html", ".toml", ".yml", ".yaml", ".sh", ".txt", ""}


def lists_of_formats(text: str) -> list[str]:
    return [found[0] for found in LIST.finditer(MARKED.sub("", text))]


def test_no_file_lists_the_formats_by_itself() -> None:
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    require(done.returncode == 0, "a git checkout")
    found = {}
    for name in done.stdout.splitlines():
        path = ROOT / name
        if path.suffix in TEXTS and path.is_file() and not name.startswith(GENERATED):
            lists = lists_of_formats(path.read_text(encoding="utf-8"))
            if lists:
                found[name] = lists
    assert found == {}


@pytest.mark.parametrize("between", [", ", '", "', "`, `", ",", "/", " | ", '",\n    "', " and "])
def test_a_list_of_formats_is_found_however_it_is_written(between: str) -> None:
    assert lists_of_formats(f"x {between.join(list(FORMATS)[:4])} y")
    assert not lists_of_formats(f"x {between.join(list(FORMATS)[:2])} y")


def test_the_pages_for_people_have_the_generated_lists() -> None:
    for page in ("README.md", "docs/guides/output-formats.md"):
        assert MARKED.search((ROOT / page).read_text(encoding="utf-8")), page
