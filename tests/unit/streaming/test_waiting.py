"""Which step of which stream is next."""

import threading
from concurrent.futures import Future

import numpy as np
import pytest

from eclectus.signal.logmel_windows import LogMelWindows
from eclectus.signal.melframes import MelFrames
from eclectus.streaming.engine import Work
from eclectus.streaming.waiting import Ticket, WaitingLine
from eclectus.streaming.windows import Ahead, Chunk, Draft, Last, StepKind

SECOND = 16_000


class Time:
    """A clock that tests move."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def ticket(kind: StepKind, seconds: float = 1.0) -> Ticket:
    samples = np.zeros(round(seconds * SECOND), np.float32)
    work = Work(samples, 0, LogMelWindows(MelFrames(80)), 0, kind, None)
    return Ticket(iter(()), work, Future())  # type: ignore[arg-type]


def last() -> Ticket:
    return ticket(Last())


def ahead() -> Ticket:
    return ticket(Ahead(0.5))


def chunk() -> Ticket:
    return ticket(Chunk(10))


def draft() -> Ticket:
    return ticket(Draft())


def test_ends_of_utterances_come_first_then_words_then_drafts() -> None:
    line = WaitingLine(Time())
    tickets = [draft(), ahead(), chunk(), last(), chunk(), last()]
    for one in tickets:
        line.put(one)
    assert line.take(9, 9 * SECOND, 0.0) == [tickets[i] for i in (3, 5, 2, 4, 1, 0)]


def test_words_in_the_middle_are_not_put_off_for_ever() -> None:
    clock = Time()
    line = WaitingLine(clock)
    early = chunk()
    line.put(early)
    clock.now += 0.3
    line.put(last())
    assert line.take(1, SECOND, 0.0) == [early]


@pytest.mark.parametrize(("most", "seconds", "count"), [(2, 9.0, 2), (9, 2.5, 2), (9, 0.1, 1)])
def test_a_batch_is_limited_by_number_and_audio(most: int, seconds: float, count: int) -> None:
    """One that alone is too long is taken alone."""
    line = WaitingLine(Time())
    for _ in range(4):
        line.put(last())
    assert len(line.take(most, round(seconds * SECOND), 0.0)) == count
    assert len(line) == 4 - count


def test_an_overdue_draft_takes_no_place() -> None:
    clock = Time()
    line = WaitingLine(clock)
    old, wanted = draft(), chunk()
    line.put(old)
    clock.now += 0.3
    line.put(wanted)
    clock.now += 0.15
    assert line.take(1, SECOND, 0.0) == [old, wanted]
    assert line.overdue(old)
    assert not line.overdue(wanted)


def test_an_end_ahead_of_its_time_waits_until_it_is_certain_and_no_longer() -> None:
    clock = Time()
    line = WaitingLine(clock)
    line.put(early := ahead())
    clock.now += 0.49
    assert not line.overdue(early)
    clock.now += 0.02
    assert line.overdue(early)
    line.put(wanted := chunk())
    assert line.take(1, SECOND, 0.0) == [early, wanted]


def test_the_first_waits_a_moment_for_others() -> None:
    line = WaitingLine()
    tickets = [last(), last()]
    line.put(tickets[0])
    threading.Timer(0.05, line.put, [tickets[1]]).start()
    assert line.take(2, 9 * SECOND, 30.0) == tickets


def test_who_finds_that_others_took_all_waits_on() -> None:
    line = WaitingLine()
    taken: list[list[Ticket]] = []
    takers = [
        threading.Thread(target=lambda: taken.append(line.take(9, 9 * SECOND, 0.05)))
        for _ in range(3)
    ]
    for taker in takers:
        taker.start()
    for _ in takers:
        line.put(last())
        count = len(taken)
        while len(taken) == count:
            threading.Event().wait(0.01)
    for taker in takers:
        taker.join()
    assert [len(batch) for batch in taken] == [1, 1, 1]


def test_a_closed_line_gives_what_waits_and_then_nothing() -> None:
    line = WaitingLine()
    line.put(last())
    line.close()
    assert len(line.take(9, SECOND, 30.0)) == 1
    assert line.take(9, SECOND, 30.0) == []
