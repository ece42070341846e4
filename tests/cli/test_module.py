"""`python -m eclectus` is the program under another name."""

import subprocess
import sys
from pathlib import Path

import pytest

from eclectus._version import __version__


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "eclectus", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_it_prints_its_version(tmp_path: Path) -> None:
    done = run("--version", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"eclectus {__version__}\n")


@pytest.mark.parametrize("arguments", [("transcribe", "--help"), ("transcribe", "--nothing")])
def test_its_usage_has_the_name_of_the_program(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = run(*arguments, folder=tmp_path)
    assert "Usage: eclectus transcribe " in done.stdout + done.stderr
    assert "__main__" not in done.stdout + done.stderr


def test_its_errors_have_the_name_of_the_program(tmp_path: Path) -> None:
    done = run("transcribe", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("eclectus: ")
