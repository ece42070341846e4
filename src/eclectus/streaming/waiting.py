"""The queue of the steps of all streams, the most urgent first."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass

from eclectus.streaming.engine import Work
from eclectus.streaming.events import Event
from eclectus.streaming.pace import Clock
from eclectus.streaming.steps import Steps
from eclectus.streaming.windows import Ahead, Chunk, Draft, Last, StepKind

_LAST_S = 0.0
_CHUNK_S = 0.2
_AHEAD = 0.5
"""An `Ahead` is due after this share of the time until the end of the utterance is certain."""
_DRAFT_S = 0.4


@dataclass(slots=True, eq=False)
class Ticket:
    """A call whose next step is in the queue."""

    steps: Steps
    work: Work
    future: Future[list[Event]]
    since: float = 0.0

    @property
    def due(self) -> float:
        """The time by which it should be computed.

        At the end of an utterance the speaker waits for an answer, and soon will where the end is
        only likely; words in its middle become final seconds after they were spoken anyway; a draft
        is of use only while it is recent.
        """
        return self.since + _patience_s(self.work.kind)

    @property
    def worthless_from(self) -> float:
        """The time from which it need not be computed any more; infinity if words become final."""
        match self.work.kind:
            case Draft():
                return self.due
            case Ahead(certain_in_s=certain_in_s):
                return self.since + certain_in_s
            case Chunk() | Last():
                return math.inf


def _patience_s(kind: StepKind) -> float:
    match kind:
        case Last():
            return _LAST_S
        case Chunk():
            return _CHUNK_S
        case Ahead(certain_in_s=certain_in_s):
            return _AHEAD * certain_in_s
        case Draft():
            return _DRAFT_S


class WaitingLine:
    """Tickets in the order in which they are due; safe to use from several threads."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        """Create an empty queue."""
        self._clock = clock
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Ticket]] = []
        self._number = itertools.count()
        self._closed = False

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, ticket: Ticket) -> None:
        """Add a ticket."""
        with self._changed:
            ticket.since = self._clock()
            heapq.heappush(self._heap, (ticket.due, next(self._number), ticket))
            self._changed.notify_all()

    def close(self) -> None:
        """Let `take` return nothing once the queue is empty."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, most: int, samples: int, patience_s: float) -> list[Ticket]:
        """Take the next batch: wait for a ticket and then, briefly, for others.

        Args:
            most: Maximum number of tickets.
            samples: Maximum in their windows together; a single window may have more.
            patience_s: How long the first waits for others, in seconds, unless there are enough
                already.

        Returns:
            The tickets due first; overdue ones come in addition, and are to be left out.
            An empty list after `close`, when the queue is empty.
        """
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._heap or self._closed)
                if not self._closed:
                    self._changed.wait_for(lambda: self._fills(most, samples), patience_s)
                # While this thread waited, another may have taken all tickets.
                taken = self._pop(most, samples)
                if taken or self._closed:
                    return taken

    def overdue(self, ticket: Ticket) -> bool:
        """Return whether it is too late for a ticket: a draft, or an end that is now certain."""
        return self._clock() > ticket.worthless_from

    def _fills(self, most: int, samples: int) -> bool:
        held = sum(len(ticket.work.samples) for _, _, ticket in self._heap)
        return len(self._heap) >= most or held >= samples

    def _pop(self, most: int, samples: int) -> list[Ticket]:
        taken: list[Ticket] = []
        count = held = 0
        while self._heap and count < most:
            ticket = self._heap[0][2]
            if not self.overdue(ticket):
                held += len(ticket.work.samples)
                if count and held > samples:
                    break
                count += 1
            taken.append(heapq.heappop(self._heap)[2])
        return taken
