"""Workers as processes: one is killed in the middle of its work, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import eclectus
from tests.support.redis_server import redis_server

CLIP = Path(__file__).resolve().parents[1] / "data" / "garden.flac"
PROGRAM = Path(sys.executable).with_name("eclectus")
FILES = 24
PATIENCE_S = 120.0


def eclectus_of(url: str, folder: Path) -> Callable[..., subprocess.Popen[str]]:
    settings = folder / "eclectus.toml"
    settings.write_text(f'[queue]\nurl = "{url}"\nlease_s = 2\nin_flight = 4\n', encoding="utf-8")

    def begin(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [PROGRAM, *arguments, "--config", settings],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return begin


def ended(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, errors
    return out


def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(FILES):
        shutil.copy(CLIP, folder / f"{number:02}.flac")
    kept = tmp_path / "redis"
    kept.mkdir()
    with redis_server(kept) as url:
        begin = eclectus_of(url, tmp_path)
        job = ended(begin("jobs", "submit", "in/", "--to", "out", "-f", "json")).strip()

        def status() -> dict[str, int]:
            found: dict[str, int] = json.loads(ended(begin("jobs", "show", job, "--json")))
            return found

        doomed = begin("worker")
        deadline = time.monotonic() + PATIENCE_S
        while not list((tmp_path / "out").glob("*.json")):
            assert time.monotonic() < deadline, "no result came"
            time.sleep(0.01)
        doomed.send_signal(signal.SIGKILL)
        doomed.communicate(timeout=PATIENCE_S)
        assert 0 < status()["left"] < FILES + 1

        two = [begin("worker", "--until-empty") for _ in range(2)]
        for process in two:
            ended(process)
        told = status()
        assert (told["done"], told["failed"], told["left"]) == (FILES, 0, 0)

        steady = begin("worker")
        assert steady.stderr is not None
        assert steady.stderr.readline().startswith("eclectus worker ")
        steady.send_signal(signal.SIGTERM)
        ended(steady)

    texts = [json.loads(path.read_text())["text"] for path in (tmp_path / "out").glob("*.json")]
    assert texts == [eclectus.transcribe(CLIP).text] * FILES
