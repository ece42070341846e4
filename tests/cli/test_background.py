"""Iterating in another thread."""

import threading
from collections.abc import Iterator

import pytest

from eclectus.apps.cli.background import in_background


def test_items_arrive_in_order_none_included() -> None:
    assert list(in_background([1, None, 3])) == [1, None, 3]


def test_the_work_is_done_in_another_thread() -> None:
    def work() -> Iterator[str]:
        yield threading.current_thread().name

    assert list(in_background(work())) == ["transcribe"]


def test_an_error_arrives_where_the_items_do() -> None:
    def work() -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("as it was")

    items = in_background(work())
    assert next(items) == 1
    with pytest.raises(ZeroDivisionError, match="as it was"):
        next(items)


def test_the_consumer_can_leave_while_the_work_hangs() -> None:
    release = threading.Event()

    def work() -> Iterator[int]:
        yield 1
        release.wait()

    items = in_background(work())
    assert next(items) == 1
    items.close()  # type: ignore[attr-defined] # it is a generator
    release.set()
