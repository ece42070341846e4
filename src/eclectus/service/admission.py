"""Who may come in: bounded numbers of streams and files, in all and for each client."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from eclectus.core.errors import CapacityError


class Admission:
    """Counts one kind of work and refuses what is too much."""

    def __init__(
        self, what: str, limit: int, per_client: int | None = None, *, retry_after_s: float = 1.0
    ) -> None:
        """Begin with nobody inside.

        Args:
            what: What is counted, for messages.
            limit: Most at once.
            per_client: Most of one client; None for no limit.
            retry_after_s: When a refused client should try again.
        """
        self._what = what
        self._limit = limit
        self._per_client = per_client
        self._retry_after_s = retry_after_s
        self._lock = threading.Lock()
        self._inside: Counter[str] = Counter()
        self._open = True

    @property
    def inside(self) -> int:
        """How many are inside."""
        return self._inside.total()

    def close(self) -> None:
        """Let nobody in any more."""
        self._open = False

    @contextmanager
    def enter(self, client: str) -> Iterator[None]:
        """Let a client in for as long as the context lasts.

        Raises:
            CapacityError: There are too many, or the server is about to end; the context says
                which: `limit` is `server`, `client` or `closing`.
        """
        self._come_in(client)
        try:
            yield
        finally:
            with self._lock:
                self._inside[client] -= 1
                if not self._inside[client]:
                    del self._inside[client]

    def _come_in(self, client: str) -> None:
        with self._lock:
            if not self._open:
                self._refuse("the server is shutting down", "closing")
            if self.inside >= self._limit:
                self._refuse(f"server busy: all {self._limit} {self._what} are taken", "server")
            if self._per_client is not None and self._inside[client] >= self._per_client:
                self._refuse(f"you have {self._per_client} {self._what} already", "client")
            self._inside[client] += 1

    def _refuse(self, message: str, limit: str) -> None:
        raise CapacityError(
            f"{message}; try again in {self._retry_after_s:g} s",
            retry_after_s=self._retry_after_s,
            limit=limit,
        )
