"""The queue: each file is with one worker at a time, and counts once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import pytest
import redis

from eclectus.apps.worker.queue import Claim, Item, ItemOutcome, Job
from eclectus.apps.worker.redis_queue import RedisQueue
from eclectus.config.worker_options import QueueOptions
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import QueueError

JOB = Job(
    id="calls",
    sources=("s3://in/",),
    target="s3://out",
    formats=("json", "srt"),
    language="de",
    overwrite=OverwritePolicy.SKIP,
)
WAIT_S = 0.02


def items(count: int, job: Job = JOB) -> list[Item]:
    return [Item(job.id, f"s3://in/{i}.wav", f"s3://out/{i}") for i in range(count)]


def claimed(queue: RedisQueue, count: int = 10, patience_s: float = 20.0) -> Sequence[Claim]:
    """Claim files as soon as there are any."""
    deadline = time.monotonic() + patience_s
    while not (found := queue.claim(count, WAIT_S)):
        assert time.monotonic() < deadline, "nothing came"
    return found


def counts(queue: RedisQueue) -> tuple[int, int, int, int]:
    status = queue.status(JOB.id)
    assert status is not None
    return status.total, status.done, status.failed, status.cancelled


@pytest.fixture
def queue(options: QueueOptions) -> Iterator[RedisQueue]:
    with closing(RedisQueue(options, name="a")) as queue:
        yield queue


@pytest.fixture
def other(options: QueueOptions) -> Iterator[RedisQueue]:
    with closing(RedisQueue(options, name="b")) as queue:
        yield queue


@pytest.fixture
def server(options: QueueOptions) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(options.url, decode_responses=True) as server:
        yield server


def test_files_come_in_order_and_each_to_one_worker(queue: RedisQueue, other: RedisQueue) -> None:
    assert queue.submit(JOB, items(5)) == 5
    first, second = claimed(queue, 2), claimed(other, 9)
    assert [claim.item for claim in [*first, *second]] == items(5)
    assert not any(claim.suspect for claim in first)
    assert queue.claim(1, WAIT_S) == []
    assert queue.waiting() == 5


def test_a_job_is_what_was_submitted_and_new_files_can_be_added(queue: RedisQueue) -> None:
    queue.submit(JOB, items(2))
    assert queue.submit(JOB, items(3)) == 1
    assert queue.job(JOB.id) == JOB
    assert queue.job("another") is None
    assert queue.status("another") is None
    assert counts(queue) == (3, 0, 0, 0)
    queue.submit(replace(JOB, id="later"), [])
    assert [status.job.id for status in queue.jobs()] == ["later", "calls"]


def test_an_end_counts_once(queue: RedisQueue) -> None:
    queue.submit(JOB, items(3))
    good, bad, unwanted = claimed(queue)
    assert queue.finish(good, ItemOutcome.DONE, audio_s=1.5)
    assert not queue.finish(good, ItemOutcome.DONE, audio_s=1.5)
    assert not queue.retry(good, "", 0)
    assert queue.finish(bad, ItemOutcome.FAILED, problem="broken: yes")
    queue.cancel(JOB.id)
    assert queue.finish(unwanted, ItemOutcome.CANCELLED)
    assert counts(queue) == (3, 1, 1, 1)
    status = queue.status(JOB.id)
    assert status is not None
    assert (status.audio_s, status.left, status.state) == (1.5, 0, "cancelled")
    assert queue.problems(JOB.id) == {bad.item.source: "broken: yes"}
    assert queue.waiting() == 0


def test_the_files_of_a_dead_worker_go_to_another_one_at_a_time(
    queue: RedisQueue, other: RedisQueue
) -> None:
    queue.submit(JOB, items(2))
    claimed(queue)
    found = [claimed(other), claimed(other)]
    assert [[claim.item for claim in one] for one in found] == [
        [replace(item, attempt=2)] for item in items(2)
    ]
    assert all(claim.suspect for one in found for claim in one)


def test_files_of_a_dead_worker_are_found_behind_those_of_a_living_one(
    queue: RedisQueue, other: RedisQueue, options: QueueOptions
) -> None:
    queue.submit(JOB, items(20))
    alive = claimed(queue, 18)
    with closing(RedisQueue(options, name="dead")) as dead:
        lost = claimed(dead, 2)
    deadline = time.monotonic() + 20 * options.lease_s
    found: list[Claim] = []
    while len(found) < 2:
        assert time.monotonic() < deadline, found
        queue.renew(alive)
        found += other.claim(1, WAIT_S)
    assert [claim.handle for claim in found] == [claim.handle for claim in lost]


def test_who_is_late_to_renew_does_not_take_its_own_files_for_a_dead_workers(
    queue: RedisQueue, options: QueueOptions
) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    time.sleep(2 * options.lease_s)
    assert queue.claim(1, WAIT_S) == []
    assert queue.renew([claim]) == []
    # It forgets what it had when it begins anew under its name.
    with closing(RedisQueue(options, name=queue.name)) as again:
        assert claimed(again)[0].handle == claim.handle


def test_only_workers_without_files_are_forgotten(queue: RedisQueue, other: RedisQueue) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    other.claim(1, WAIT_S)
    other._forget(keys=[other._items], args=["workers", "a", "b", "nobody"])
    assert queue.renew([claim]) == []
    assert queue.finish(claim, ItemOutcome.DONE)


def test_a_file_that_was_lost_is_not_put_back(queue: RedisQueue, other: RedisQueue) -> None:
    queue.submit(JOB, items(1))
    (mine,) = claimed(queue)
    (taken,) = claimed(other)
    assert not queue.retry(mine, "", 0.0)
    assert not queue.release(mine)
    assert other.finish(taken, ItemOutcome.DONE)


@pytest.mark.slow
def test_who_renews_keeps_its_files_and_who_does_not_is_told(options: QueueOptions) -> None:
    longer = replace(options, lease_s=3.0)
    with (
        closing(RedisQueue(longer, name="a")) as queue,
        closing(RedisQueue(longer, name="b")) as other,
    ):
        keeps_and_loses(queue, other)


def keeps_and_loses(queue: RedisQueue, other: RedisQueue) -> None:
    queue.submit(JOB, items(1))
    (mine,) = claimed(queue)
    until = time.monotonic() + 4.0
    while time.monotonic() < until:
        assert queue.renew([mine]) == []
        assert other.claim(1, WAIT_S) == []
    (taken,) = claimed(other)
    assert queue.renew([mine]) == [mine]
    assert other.renew([taken]) == []
    assert queue.renew([]) == []
    # Both may do it to the end; it counts once.
    assert [queue.finish(mine, ItemOutcome.DONE), other.finish(taken, ItemOutcome.DONE)] == [
        True,
        False,
    ]
    assert counts(queue) == (1, 1, 0, 0)


def test_another_attempt_comes_after_its_time(queue: RedisQueue) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    assert queue.retry(claim, "later", 0.3)
    assert queue.claim(1, WAIT_S) == []
    assert queue.waiting() == 1
    (again,) = claimed(queue)
    assert again.item == replace(claim.item, attempt=2)
    assert not again.suspect


def test_what_is_released_comes_at_once_and_is_no_attempt(queue: RedisQueue) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    assert queue.release(claim)
    (again,) = claimed(queue)
    assert again.item == claim.item


def test_a_cancelled_job_is_none_until_it_is_submitted_again(queue: RedisQueue) -> None:
    queue.submit(JOB, items(2))
    assert queue.cancel(JOB.id)
    assert not queue.cancel("another")
    assert queue.job(JOB.id) is None
    status = queue.status(JOB.id)
    assert status is not None
    assert status.state == "cancelled"
    first, _ = claimed(queue)
    queue.finish(first, ItemOutcome.CANCELLED)
    assert queue.submit(JOB, items(2)) == 0
    assert queue.job(JOB.id) == JOB
    assert counts(queue) == (2, 0, 0, 0)
    (again,) = claimed(queue)
    assert again.item == first.item


def test_a_file_that_is_dropped_after_its_job_was_submitted_again_is_not_lost(
    queue: RedisQueue,
) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    queue.cancel(JOB.id)
    queue.submit(JOB, items(1))
    assert not queue.finish(claim, ItemOutcome.CANCELLED)
    (again,) = claimed(queue)
    assert again.item == claim.item
    assert queue.finish(again, ItemOutcome.DONE)
    assert counts(queue) == (1, 1, 0, 0)


def test_a_job_can_be_forgotten(queue: RedisQueue) -> None:
    queue.submit(JOB, items(2))
    (claim,) = claimed(queue, 1)
    assert queue.remove(JOB.id)
    assert not queue.remove(JOB.id)
    assert queue.jobs() == []
    assert queue.job(JOB.id) is None
    assert queue.finish(claim, ItemOutcome.CANCELLED)
    assert queue.status(JOB.id) is None


def test_failed_files_can_be_queued_again(queue: RedisQueue) -> None:
    queue.submit(JOB, items(3))
    first, second, third = claimed(queue)
    queue.finish(first, ItemOutcome.DONE)
    for claim in (second, third):
        queue.finish(claim, ItemOutcome.FAILED, problem="no")
    assert queue.retry_failed(JOB.id) == 2
    assert counts(queue) == (3, 1, 0, 0)
    assert {claim.item for claim in claimed(queue)} == {second.item, third.item}
    assert queue.retry_failed(JOB.id) == 0


def test_many_files_are_submitted_in_pieces(queue: RedisQueue) -> None:
    assert queue.submit(JOB, items(1203)) == 1203
    assert counts(queue)[0] == 1203
    assert queue.waiting() == 1203


def test_a_worker_that_leaves_is_forgotten(
    queue: RedisQueue, options: QueueOptions, server: redis.Redis
) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    queue.leave()
    key = "{" + options.prefix + "}:items"
    assert [one["name"] for one in server.xinfo_consumers(key, "workers")] == ["a"]
    queue.finish(claim, ItemOutcome.DONE)
    queue.leave()
    assert server.xinfo_consumers(key, "workers") == []


def test_a_server_that_lost_everything_can_be_used_again(
    queue: RedisQueue, options: QueueOptions, server: redis.Redis
) -> None:
    queue.submit(JOB, items(1))
    (claim,) = claimed(queue)
    server.delete("{" + options.prefix + "}:items")
    with pytest.raises(QueueError):
        queue.claim(1, WAIT_S)
    assert queue.claim(1, WAIT_S) == []
    assert not queue.finish(claim, ItemOutcome.DONE)
    assert queue.submit(replace(JOB, id="new"), items(1)) == 1


def test_a_queue_that_is_not_there_says_what_to_do() -> None:
    with pytest.raises(QueueError, match=r"is queue\.url right"):
        RedisQueue(QueueOptions(url="redis://127.0.0.1:1/0")).waiting()  # never connected


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1", "redis://:secret#x@host", "redis://host/?secret=1"]
)
def test_an_address_that_is_none_is_not_shown(url: str) -> None:
    with pytest.raises(QueueError, match=r"queue\.url is no address") as refused:
        RedisQueue(QueueOptions(url=url))
    assert "secret" not in str(refused.value)
