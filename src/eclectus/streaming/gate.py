"""Gives live streams priority over other work on the same model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets steps of live streams run at once, and other work when no such step is running.

    A step that is being computed can't be interrupted, so other work runs in small pieces and calls
    `wait` before each.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._live = 0
        self._streams = 0

    @property
    def occupied(self) -> bool:
        """Whether streams are open: other work should then run in the smallest pieces."""
        return self._streams > 0

    def enter(self) -> None:
        """Count a stream that opens."""
        with self._changed:
            self._streams += 1

    def leave(self) -> None:
        """Count a stream that ends."""
        with self._changed:
            self._streams -= 1

    @contextmanager
    def live(self) -> Iterator[None]:
        """Hold other work back while a step of a stream is computed."""
        with self._changed:
            self._live += 1
        try:
            yield
        finally:
            with self._changed:
                self._live -= 1
                self._changed.notify_all()

    def wait(self, longest_s: float) -> None:
        """Return when no step of a stream is running, or after `longest_s` at the latest."""
        deadline = time.monotonic() + longest_s
        with self._changed:
            while self._live and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
