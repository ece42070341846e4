"""Iterate in another thread, so that Ctrl-C is heard while the engine computes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")

_POLL_S = 0.2


def in_background(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items of an iterable that runs in a thread of its own, at most one ahead.

    Python raises KeyboardInterrupt in the main thread only, and there only between instructions:
    with the engine's call in the main thread, Ctrl-C would wait for a whole batch. The thread is a
    daemon; whoever abandons this generator leaves it to the end of the process.

    Raises:
        BaseException: Whatever the iterable raises.
    """
    # (item, None), (None, error), or None at the end
    passed: queue.Queue[tuple[Item | None, BaseException | None] | None] = queue.Queue(maxsize=1)

    def work() -> None:
        try:
            for item in items:
                passed.put((item, None))
            passed.put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            passed.put((None, error))

    threading.Thread(target=work, name="transcribe", daemon=True).start()
    while True:
        try:
            # With a timeout, because Windows delivers no signal to a thread that waits without.
            got = passed.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if got is None:
            return
        item, error = got
        if error is not None:
            raise error
        yield item  # type: ignore[misc] # None only where there is an error
