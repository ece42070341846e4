"""Runs the command line in a folder of its own, away from this machine's settings."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from eclectus.apps.cli.main import run
from tests.support.command_line import Cli, Ended

DATA = Path(__file__).resolve().parents[1] / "data"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    logger = logging.getLogger("eclectus")
    before = (logger.level, list(logger.handlers), logger.propagate)
    yield tmp_path
    logger.setLevel(before[0])
    logger.handlers[:], logger.propagate = before[1], before[2]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*arguments: object) -> Ended:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return call


@pytest.fixture
def clip(place: Path) -> Path:
    """A clip that the built-in model gets right: 'The little garden was quiet, and …'."""
    path = place / "garden.flac"
    path.write_bytes((DATA / "garden.flac").read_bytes())
    return path


@pytest.fixture
def clips(clip: Path) -> list[Path]:
    other = clip.with_name("temper.flac")
    other.write_bytes((DATA / "temper.flac").read_bytes())
    return [clip, other]
