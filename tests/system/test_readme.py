"""Every command in the README works as it stands there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clips import right
from tests.support.server_process import server_process, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


COMMANDS = [line.split("#")[0].strip() for block in blocks("bash") for line in block.splitlines()]
SHELL = [command for command in COMMANDS if not command.startswith("make ")]
MAKE = [command for command in COMMANDS if command.startswith("make ")]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    programs = Path(sys.executable).parent
    return subprocess.run(
        ["bash", "-c", f'set -euo pipefail; PATH="{programs}:$PATH"; {command}'],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("command", SHELL)
def test_a_command_of_the_readme_runs(command: str, clone: Path) -> None:
    done = run(command, clone)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() or list(clone.glob("out/*"))


@pytest.mark.needs_program("curl")
def test_the_server_of_the_readme_answers_its_client(clone: Path, tmp_path: Path) -> None:
    (block,) = [text for text in blocks("console") if "eclectus serve" in text]
    typed = [line.removeprefix("$ ") for line in block.splitlines()]
    assert typed[1] == "eclectus serve"
    with server_process(tmp_path) as server:
        wait_until_ready(server.url, server.process)
        client = typed[2].replace("http://127.0.0.1:8765", server.url)
        done = run(client, clone)
    assert done.returncode == 0, done.stderr
    assert re.search(r"00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}", done.stdout)


def test_the_readme_has_two_commands_for_a_fresh_clone() -> None:
    assert MAKE == ["make demo", "make test"]


@pytest.mark.needs_program("make")
@pytest.mark.parametrize("command", MAKE)
def test_the_makefile_has_the_targets_of_the_readme(command: str) -> None:
    done = run(f"{command} --dry-run", ROOT)
    assert done.returncode == 0, done.stderr
    assert "scripts/" in done.stdout


def test_the_demo_of_the_makefile_shows_text_and_subtitles(clone: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    line = next(line for line in makefile.splitlines() if "/bin/eclectus" in line)
    done = run(line.strip().replace("$(VENV)/bin/", ""), clone)
    assert done.returncode == 0, done.stderr
    assert right(done.stdout, "story")
    assert re.search(r"00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}", done.stdout)


@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_of_the_readme_runs(code: str, clone: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "cry" in done.stdout
