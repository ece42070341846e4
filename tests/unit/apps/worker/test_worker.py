"""The worker: whatever goes wrong, each file ends as it should, and none is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from eclectus.apps.worker.job_files import find_items, make_job
from eclectus.apps.worker.numbers import WorkerNumbers
from eclectus.apps.worker.queue import Claim, Job, JobStatus
from eclectus.apps.worker.redis_queue import RedisQueue
from eclectus.apps.worker.storage import Location, Storage
from eclectus.apps.worker.worker import Worker
from eclectus.config.schema import Settings
from eclectus.config.worker_options import QueueOptions
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import (
    CapacityError,
    InferenceError,
    OptionError,
    StorageError,
    UndecodableAudioError,
)
from eclectus.core.options import OutputOptions
from eclectus.core.types import Segment, Transcript, Word
from eclectus.service.file_scheduler import FileScheduler
from tests.support.redis_server import free_port, redis_server

PATIENCE_S = 20.0
Doing = Callable[[str], None]


class Ticket:
    """As of a `FileScheduler`."""

    def __init__(self) -> None:
        self.future: Future[Transcript] = Future()
        self.released = threading.Event()


class Model:
    """Transcribes each file to what it holds; a test says what else happens meanwhile."""

    def __init__(self, meanwhile: Doing = lambda _: None) -> None:
        self.meanwhile = meanwhile
        self.seen: list[str] = []
        self.together: list[int] = []
        self._running = 0
        self._lock = threading.Lock()

    def submit(self, source: Any, **_: object) -> Ticket:
        ticket = Ticket()
        threading.Thread(target=self._work, args=(ticket, source.read().decode())).start()
        return ticket

    def _work(self, ticket: Ticket, text: str) -> None:
        with self._lock:
            self._running += 1
            self.seen.append(text)
            self.together.append(self._running)
        try:
            self.meanwhile(text)
            word = Word(text, 0.0, 1.0, 1.0)
            transcript = Transcript((Segment((word,), 0.0, 1.0),), 2.0, None, "stub")
            if not ticket.future.cancelled():
                ticket.future.set_result(transcript)
        except Exception as error:  # noqa: BLE001 - as a scheduler does
            ticket.future.set_exception(error)
        finally:
            with self._lock:
                self._running -= 1
            ticket.released.set()


class Place:
    """A queue with files on the disk, and workers on it."""

    def __init__(self, folder: Path, options: QueueOptions) -> None:
        self.folder = folder
        self.options = options
        self.queue = RedisQueue(options, name="submitter")
        self._queues = [self.queue]
        self.storage = Storage()

    def submit(self, *names: str, **output: Any) -> Job:
        for name in names:
            path = self.folder / "in" / f"{name}.wav"
            path.parent.mkdir(exist_ok=True)
            path.write_text(name, encoding="utf-8")
        out = OutputOptions(formats=("txt",), **output)
        job = make_job([f"{self.folder}/in/"], f"{self.folder}/out", out, None)
        self.queue.submit(job, list(find_items(job, self.storage)))
        return job

    def open(self, name: str, kind: type[RedisQueue] = RedisQueue) -> RedisQueue:
        """Return a queue as one of the workers has it."""
        self._queues.append(kind(self.options, name=name))
        return self._queues[-1]

    def worker(self, model: Model, *, name: str = "w", queue: RedisQueue | None = None) -> Worker:
        settings = replace(Settings(), queue=self.options)
        files = cast("FileScheduler", model)
        return Worker(queue or self.open(name), self.storage, files, settings)

    def close(self) -> None:
        for queue in self._queues:
            queue.close()

    def status(self, job: Job) -> JobStatus:
        status = self.queue.status(job.id)
        assert status is not None
        return status

    def results(self) -> dict[str, str]:
        found = (self.folder / "out").glob("*.txt")
        return {path.stem: path.read_text(encoding="utf-8").strip() for path in found}


@pytest.fixture
def place(tmp_path: Path, options: QueueOptions) -> Iterator[Place]:
    with closing(Place(tmp_path, options)) as place:
        yield place


@contextmanager
def started(worker: Worker, *, until_empty: bool = True) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=worker.run, kwargs={"until_empty": until_empty}, daemon=True)
    thread.start()
    yield thread
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "the worker does not end"


def work_off(worker: Worker) -> None:
    with started(worker):
        pass


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.01)


def test_files_become_results(place: Place) -> None:
    job = place.submit("a", "b", "c")
    model = Model(lambda _: time.sleep(0.1))
    worker = place.worker(model)
    work_off(worker)
    assert place.results() == {"a": "a", "b": "b", "c": "c"}
    status = place.status(job)
    assert (status.done, status.left, status.state, status.audio_s) == (3, 0, "done", 6.0)
    assert max(model.together) > 1
    assert worker.numbers.registry.get_sample_value(
        "eclectus_worker_files_total", {"outcome": "done"}
    ) == pytest.approx(3)


def test_an_error_that_may_pass_is_tried_again(place: Place) -> None:
    errors: list[Exception] = [InferenceError("busy"), CapacityError("full", retry_after_s=0.01)]

    def meanwhile(_: str) -> None:
        if errors:
            raise errors.pop()

    job = place.submit("a")
    work_off(place.worker(Model(meanwhile)))
    assert place.results() == {"a": "a"}
    assert place.status(job).done == 1


def test_an_error_that_does_not_pass_fails_after_some_attempts(place: Place) -> None:
    def meanwhile(text: str) -> None:
        if text == "bad":
            raise InferenceError("the device is gone")

    place.options = replace(place.options, max_attempts=3, retry_s=0.01)
    job = place.submit("bad", "good")
    model = Model(meanwhile)
    work_off(place.worker(model))
    assert model.seen.count("bad") == 3
    assert place.results() == {"good": "good"}
    assert list(place.queue.problems(job.id).values()) == ["the device is gone"]


def test_broken_audio_fails_at_once(place: Place) -> None:
    def meanwhile(text: str) -> None:
        if text == "bad":
            raise UndecodableAudioError("this is no audio")

    job = place.submit("bad", "good")
    model = Model(meanwhile)
    work_off(place.worker(model))
    assert model.seen.count("bad") == 1
    status = place.status(job)
    assert (status.done, status.failed, status.state) == (1, 1, "failed")


def test_a_decoder_that_was_killed_is_asked_again(place: Place) -> None:
    errors = [UndecodableAudioError("decoding it failed badly", crashed=True)]

    def meanwhile(_: str) -> None:
        if errors:
            raise errors.pop()

    job = place.submit("a")
    work_off(place.worker(Model(meanwhile)))
    assert place.status(job).done == 1


def test_a_store_that_panics_is_tried_again(place: Place) -> None:
    class PanicError(BaseException):
        pass

    class Panics(Storage):
        panics = 1

        def write(self, place: Location, text: str) -> None:
            if self.panics:
                self.panics -= 1
                raise PanicError
            super().write(place, text)

    job = place.submit("a")
    place.storage = Panics()
    work_off(place.worker(Model()))
    assert place.status(job).done == 1


def test_a_source_that_has_gone_fails_at_once(place: Place) -> None:
    job = place.submit("a", "b")
    (place.folder / "in" / "a.wav").unlink()
    work_off(place.worker(Model()))
    assert place.results() == {"b": "b"}
    assert "there is no" in next(iter(place.queue.problems(job.id).values()))


def test_a_store_that_fails_is_tried_again(place: Place) -> None:
    class Unreliable(Storage):
        failures = 2

        def write(self, place: Location, text: str) -> None:
            if self.failures:
                self.failures -= 1
                raise StorageError("slow down")
            super().write(place, text)

    job = place.submit("a", "b")
    place.storage = Unreliable()
    work_off(place.worker(Model()))
    assert place.results() == {"a": "a", "b": "b"}
    assert place.status(job).done == 2


def test_results_that_exist_can_be_kept(place: Place) -> None:
    (place.folder / "out").mkdir()
    (place.folder / "out" / "a.txt").write_text("by hand", encoding="utf-8")
    job = place.submit("a", "b", overwrite=OverwritePolicy.SKIP)
    model = Model()
    work_off(place.worker(model))
    assert model.seen == ["b"]
    assert place.results() == {"a": "by hand", "b": "b"}
    assert place.status(job).done == 2


def test_a_cancelled_job_is_let_be(place: Place) -> None:
    job = place.submit("a", "b")
    place.queue.cancel(job.id)
    model = Model()
    work_off(place.worker(model))
    assert model.seen == []
    assert place.status(job).cancelled == 2


def test_what_a_worker_died_with_is_transcribed_alone(place: Place) -> None:
    place.submit("a", "b", "c", "d")
    place.open("dead").claim(2, 0.01)
    model = Model(lambda _: time.sleep(0.15))
    work_off(place.worker(model))
    assert sorted(place.results()) == ["a", "b", "c", "d"]
    alone = dict(zip(model.seen, model.together, strict=True))
    assert (alone["a"], alone["b"]) == (1, 1)
    assert max(alone["c"], alone["d"]) == 2


def test_a_suspect_is_kept_while_it_waits_for_the_others(place: Place) -> None:
    """Several leases long, beside another worker that would take it."""
    place.options = replace(place.options, max_attempts=2, lease_s=2.0)
    job = place.submit("a", "b")
    place.open("dead").claim(1, 0.01)
    models = [Model(lambda _: time.sleep(5.0)), Model(lambda _: time.sleep(5.0))]
    first, second = (place.worker(model, name=f"w{i}") for i, model in enumerate(models))
    with started(first), started(second):
        pass
    assert sorted(models[0].seen + models[1].seen) == ["a", "b"]
    assert place.status(job).done == 2


def test_a_file_that_kills_every_worker_fails(place: Place) -> None:
    place.options = replace(place.options, max_attempts=2)
    job = place.submit("deadly")
    for number in range(2):
        one = place.open(f"dead-{number}")
        until(lambda one=one: bool(one.claim(1, 0.01)))  # type: ignore[misc]
    model = Model()
    work_off(place.worker(model))
    assert model.seen == []
    assert list(place.queue.problems(job.id).values()) == ["workers died while they had it"]


def test_long_work_keeps_its_files(place: Place) -> None:
    """Several leases long, beside another worker that looks for files."""
    place.options = replace(place.options, lease_s=2.0)
    job = place.submit("long")
    models = [Model(lambda _: time.sleep(5.0)), Model(lambda _: time.sleep(5.0))]
    with (
        started(place.worker(models[0], name="one")),
        started(place.worker(models[1], name="two")),
    ):
        pass
    assert models[0].seen + models[1].seen == ["long"]
    assert place.status(job).done == 1


def test_a_file_that_was_lost_is_left_to_the_other(place: Place) -> None:
    job = place.submit("a")
    going = threading.Event()
    first = Model(lambda _: going.wait(PATIENCE_S))  # type: ignore[arg-type]
    second = Model()

    class Asleep(RedisQueue):
        def renew(self, claims: Any) -> list[Claim]:
            claims = list(claims)
            until(lambda: bool(second.seen))
            return list(super().renew(claims))

    with started(place.worker(first, queue=place.open("asleep", Asleep))):
        until(lambda: bool(first.seen))
        work_off(place.worker(second, name="awake"))
        going.set()
    assert second.seen == ["a"]
    assert place.results() == {"a": "a"}
    assert place.status(job).done == 1


def test_a_worker_that_is_told_to_end_lets_its_files_end(place: Place) -> None:
    place.options = replace(place.options, in_flight=2)
    job = place.submit("a", "b", "c", "d")
    model = Model(lambda _: time.sleep(0.3))
    worker = place.worker(model)
    with started(worker, until_empty=False):
        until(lambda: len(model.seen) == 2)
        worker.stop()
    assert place.status(job).done == 2
    assert place.status(job).left == 2
    assert place.queue.waiting() == 2


def test_what_takes_longer_than_the_grace_goes_back(place: Place) -> None:
    place.options = replace(place.options, grace_s=0.1)
    job = place.submit("a")
    going = threading.Event()
    model = Model(lambda _: going.wait(PATIENCE_S))  # type: ignore[arg-type]
    worker = place.worker(model)
    with started(worker, until_empty=False):
        until(lambda: bool(model.seen))
        worker.stop()
    going.set()
    assert place.status(job).left == 1
    other = Model()
    work_off(place.worker(other, name="other"))
    assert other.seen == ["a"]
    assert place.status(job).done == 1


@pytest.mark.parametrize("lease_s", [2.0, 0.2])
def test_a_queue_that_is_away_for_a_while_costs_nothing(
    tmp_path: Path, options: QueueOptions, lease_s: float
) -> None:
    """Shorter or longer than a lease."""
    port = free_port()
    kept = tmp_path / "redis"
    kept.mkdir()
    url = f"redis://127.0.0.1:{port}/0"
    going = threading.Event()
    model = Model(lambda _: going.wait(PATIENCE_S))  # type: ignore[arg-type]
    with closing(Place(tmp_path, replace(options, url=url, lease_s=lease_s))) as place:
        worker = place.worker(model)
        with redis_server(kept, port):
            job = place.submit("a", "b")
            thread = threading.Thread(target=worker.run, daemon=True)
            thread.start()
            until(lambda: len(model.seen) == 2)
        time.sleep(0.3)
        with redis_server(kept, port):
            time.sleep(1.0)
            going.set()
            until(lambda: place.status(job).done == 2)
            worker.stop()
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
    assert sorted(model.seen) == ["a", "b"]


def test_a_worker_ends_in_time_while_the_queue_is_away(
    tmp_path: Path, options: QueueOptions
) -> None:
    port = free_port()
    kept = tmp_path / "redis"
    kept.mkdir()
    going = threading.Event()
    model = Model(lambda _: going.wait(PATIENCE_S))  # type: ignore[arg-type]
    url = f"redis://127.0.0.1:{port}/0"
    with closing(Place(tmp_path, replace(options, url=url, lease_s=5.0, grace_s=0.2))) as place:
        worker = place.worker(model)
        with redis_server(kept, port):
            place.submit("a")
            thread = threading.Thread(target=worker.run, daemon=True)
            thread.start()
            until(lambda: bool(model.seen))
        going.set()
        until(lambda: bool(place.results()))
        worker.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("", 0)) as taken, pytest.raises(OptionError, match="metrics-port"):
        WorkerNumbers().serve(taken.getsockname()[1])
