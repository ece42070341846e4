"""Every command of the guide to the server works as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clips import right

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "guides" / "server-rest.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8765"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


CURLS = [line for block in blocks("bash") for line in block.splitlines() if "curl" in line]


def run(command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs_program("curl")
@pytest.mark.parametrize("line", CURLS)
def test_a_curl_line_of_the_guide_works(server_url: str, line: str) -> None:
    said = run(["bash", "-c", line.replace(ADDRESS, server_url)])
    expected = {"models": "tiny", "load": "Load was successful!"}
    wanted = next((text for end, text in expected.items() if f"/{end}" in line), None)
    assert wanted in said if wanted else right(said, "story")


def test_there_are_curl_lines() -> None:
    assert len(CURLS) > 7


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_guide_runs(server_url: str, code: str) -> None:
    said = run([sys.executable, "-c", code.replace(ADDRESS, server_url)])
    assert right(said, "story", "story")
