"""Live work goes before other work on the same model."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets live steps through at once, and other work when no live step is under way.

    A step that computes can't be stopped, so other work passes in small pieces, one `wait` before
    each.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._live = 0
        self._streams = 0

    @property
    def occupied(self) -> bool:
        """Whether streams are open: other work should come in the smallest pieces."""
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
        """Hold other work back."""
        with self._changed:
            self._live += 1
        try:
            yield
        finally:
            with self._changed:
                self._live -= 1
                self._changed.notify_all()

    def wait(self, longest_s: float) -> None:
        """Return when no live step is under way, or after the longest time: none starves."""
        deadline = time.monotonic() + longest_s
        with self._changed:
            while self._live and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
