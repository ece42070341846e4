"""`eclectus jobs` and `eclectus worker` by hand: submit, look, work off, look again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clips import right
from tests.support.command_line import Cli
from tests.support.redis_server import redis_server


@pytest.fixture
def _queue(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    kept = place / "redis"
    kept.mkdir()
    with redis_server(kept) as url:
        monkeypatch.setenv("ECLECTUS_QUEUE__URL", url)
        yield


@pytest.mark.slow
@pytest.mark.usefixtures("_queue", "clips")
def test_a_job_from_its_submission_to_its_results(cli: Cli, place: Path) -> None:
    (place / "notes.wav").write_text("this is no audio", encoding="utf-8")
    submitted = cli("jobs", "submit", place, "--to", "out", "-f", "json,txt")
    job = submitted.out.strip()
    assert "3 new files" in submitted.err
    again = cli("jobs", "submit", place, "--to", "out", "-f", "json,txt")
    assert (again.out.strip(), "0 new files" in again.err) == (job, True)
    assert "running" in cli("jobs", "show", job).out

    assert cli("worker", "--until-empty").code == 0
    assert right((place / "out" / "garden.txt").read_text(encoding="utf-8"))
    assert json.loads((place / "out" / "temper.json").read_text(encoding="utf-8"))["segments"]
    shown = cli("jobs", "show", job, "--wait")
    assert shown.code == 3
    assert "notes.wav" in shown.out
    (listed,) = json.loads(cli("jobs", "list", "--json").out)
    assert (listed["done"], listed["failed"], listed["left"]) == (2, 1, 0)
    assert job in cli("jobs", "list").out

    assert "1 files queued again" in cli("jobs", "retry", job).err
    assert cli("jobs", "cancel", job).code == 0
    assert cli("worker", "--until-empty").code == 0
    told = json.loads(cli("jobs", "show", job, "--json").out)
    assert (told["state"], told["cancelled"], told["problems"]) == ("cancelled", 1, {})


@pytest.mark.usefixtures("_queue")
def test_what_does_not_exist_is_told(cli: Cli) -> None:
    for command in ("show", "cancel", "retry", "remove"):
        ended = cli("jobs", command, "nothing")
        assert (ended.code, "there is no job 'nothing'" in ended.err) == (2, True)
    ended = cli("jobs", "submit", "no-such-folder/", "--to", "out")
    assert (ended.code, "there is nothing at" in ended.err) == (4, True)


@pytest.mark.usefixtures("_queue")
def test_a_job_that_failed_ends_with_failure_and_can_be_forgotten(cli: Cli, place: Path) -> None:
    (place / "notes.wav").write_text("this is no audio", encoding="utf-8")
    job = cli("jobs", "submit", "notes.wav", "--to", "out").out.strip()
    assert cli("worker", "--until-empty").code == 0
    assert cli("jobs", "submit", "notes.wav", "--to", "out", "--wait").code == 4
    assert cli("jobs", "remove", job).code == 0
    assert json.loads(cli("jobs", "list", "--json").out) == []


def test_a_queue_that_is_not_there_is_told_before_the_model_is_loaded(cli: Cli) -> None:
    ended = cli("worker", "--queue", "redis://127.0.0.1:1/0")
    assert (ended.code, "is queue.url right" in ended.err) == (4, True)
