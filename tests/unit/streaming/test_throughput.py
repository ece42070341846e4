"""How much is computed, and how busy that makes the workers."""

import pytest

from eclectus.streaming.throughput import Throughput, Utilization

RATE = 16_000


class Time:
    """A clock that tests move."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_throughput_follows_what_was_measured() -> None:
    speed = Throughput(RATE)
    for _ in range(60):
        speed.observe(50 * RATE, 0.1)
    assert speed.samples_in(2.0) == pytest.approx(1000 * RATE, rel=0.01)


def test_nobody_is_busy_at_first() -> None:
    assert Utilization(2).share == 0.0


@pytest.mark.parametrize(("workers", "busy", "share"), [(1, 1, 1.0), (2, 1, 0.5), (2, 2, 1.0)])
def test_the_share_is_that_of_the_workers(workers: int, busy: int, share: float) -> None:
    clock = Time()
    utilization = Utilization(workers, clock=clock)
    for _ in range(busy):
        utilization.begin()
    clock.now += 10.0
    assert utilization.share == pytest.approx(share, abs=0.01)
    for _ in range(busy):
        utilization.end()
    clock.now += 10.0
    assert utilization.share == pytest.approx(0.0, abs=0.01)


def test_work_in_turns_counts_by_its_time() -> None:
    """However short the turns are."""
    clock = Time()
    utilization = Utilization(1, clock=clock)
    for _ in range(500):
        utilization.begin()
        clock.now += 0.03
        utilization.end()
        clock.now += 0.01
    assert utilization.share == pytest.approx(0.75, abs=0.02)
