"""Ctrl-C, SIGTERM and a reader that goes away, in a process of its own."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eclectus.output.registry import FORMATS

DATA = Path(__file__).resolve().parents[1] / "data"
PATIENCE_S = 60.0

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hours, which keep the model busy far longer than the test runs."""
    path = tmp_path_factory.mktemp("long") / "long.flac"
    samples, rate = soundfile.read(DATA / "garden.flac", dtype="int16")
    hours = np.tile(samples, 2 * 3600 * rate // len(samples))
    soundfile.write(path, hours, rate, compression_level=0.0)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "short.flac").write_bytes((DATA / "garden.flac").read_bytes())
    return tmp_path


def hear_signals() -> None:
    """Undo what a shell does to background jobs: they, and all that they start, ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def running(folder: Path, long_clip: Path) -> Iterator[subprocess.Popen[str]]:
    command = ["transcribe", "short.flac", str(long_clip), "-f", "all", "-o", "out"]
    program = Path(sys.executable).with_name("eclectus")
    process = subprocess.Popen(
        [program, *command, "--batch-size", "1"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_signals,  # noqa: PLW1509 - no other thread forks here
    )
    yield process
    process.kill()
    process.communicate()


def wait_for_short(folder: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(list(folder.glob("out/short.*"))) < len(FORMATS):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_leaves_whole_files_and_nothing_else(
    folder: Path, running: subprocess.Popen[str], number: signal.Signals, code: int, word: str
) -> None:
    wait_for_short(folder, running)
    running.send_signal(number)
    _, err = running.communicate(timeout=PATIENCE_S)
    assert running.returncode == code
    assert err.endswith(f"eclectus: {word}\n")
    assert "Traceback" not in err
    left = {path.name for path in folder.rglob("*") if path.is_file()}
    assert left == {"short.flac"} | {f"short.{name}" for name in FORMATS}


def test_a_reader_that_goes_away_ends_the_run_quietly(folder: Path) -> None:
    program = Path(sys.executable).with_name("eclectus")
    process = subprocess.Popen(
        [program, "transcribe", "short.flac", "--quiet"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert (process.wait(PATIENCE_S), err) == (141, b"")
