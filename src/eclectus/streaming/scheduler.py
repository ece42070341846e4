"""Many sessions, one model: what is due is computed in batches."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from eclectus.core.errors import BackendError, StreamClosedError
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Event
from eclectus.streaming.gate import Gate
from eclectus.streaming.session import Session
from eclectus.streaming.utterance import Steps

_STARTERS = 2


@dataclass(slots=True, eq=False)
class _Ticket:
    """A call that waits for its next step."""

    steps: Steps
    work: Work
    future: Future[list[Event]]
    since: float = field(default_factory=time.monotonic)


class StreamScheduler:
    """Computes the steps of all sessions in one thread: gather, encode, search, scatter.

    Calls return at once, from event loops too; what comes before the first step, listening for
    speech above all, is done by helper threads.

    First come, first served, and after each step a session queues anew, so that none waits for
    more than one step of each other session. When more sessions wait than a batch holds, drafts
    are left out; final words never are.
    """

    def __init__(
        self,
        engine: StreamEngine,
        *,
        batch: int = 16,
        batch_audio_s: float = 60.0,
        patience_s: float = 0.005,
        gate: Gate | None = None,
        on_batch: Callable[[Sequence[float]], None] = lambda _: None,
    ) -> None:
        """Start the threads.

        Args:
            engine: The model.
            batch: Most steps computed at once.
            batch_audio_s: Most seconds of audio in their windows, if there is more than one.
            patience_s: How long the first of a batch waits for others.
            gate: Held while steps are computed, if other work shares the model.
            on_batch: Called from the thread before each batch with the seconds that each of its
                steps has waited.
        """
        self._engine = engine
        self._batch = batch
        self._batch_samples = round(batch_audio_s * engine.config.time_base.sample_rate)
        self._patience_s = patience_s
        self._gate = gate or Gate()
        self._on_batch = on_batch
        self._waiting: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._closed = False
        # Listening for speech takes milliseconds, and callers may be event loops.
        self._starters = ThreadPoolExecutor(_STARTERS, thread_name_prefix="listening")
        self._thread = threading.Thread(target=self._serve, name="streams", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Steps that wait for the model."""
        return self._waiting.qsize()

    def push(self, session: Session, samples: FloatArray) -> Future[list[Event]]:
        """Like `Session.push`; the next call for the session must wait for the result.

        Raises:
            StreamClosedError: The session or the scheduler has ended.
        """
        return self._submit(session.steps(samples))

    def flush(self, session: Session) -> Future[list[Event]]:
        """Like `Session.flush`.

        Raises:
            StreamClosedError: The session or the scheduler has ended.
        """
        return self._submit(session.flush_steps())

    def finish(self, session: Session) -> Future[list[Event]]:
        """Like `Session.finish`.

        Raises:
            StreamClosedError: The scheduler has ended.
        """
        return self._submit(session.last_steps())

    def close(self) -> None:
        """Compute what waits, then end the threads; safe to call twice."""
        self._closed = True
        self._starters.shutdown()
        self._waiting.put(None)
        self._thread.join()

    def _submit(self, steps: Steps) -> Future[list[Event]]:
        if self._closed:
            raise StreamClosedError("the scheduler has ended")
        future: Future[list[Event]] = Future()
        future.set_running_or_notify_cancel()  # a call can't be taken back: its samples are in
        try:
            self._starters.submit(self._start, steps, future)
        except RuntimeError as error:
            raise StreamClosedError("the scheduler has ended") from error
        return future

    def _start(self, steps: Steps, future: Future[list[Event]]) -> None:
        """Go to the first step of a call, which may be none."""
        try:
            self._waiting.put(_Ticket(steps, next(steps), future))
        except StopIteration as stop:
            future.set_result(stop.value)
        except Exception as error:  # noqa: BLE001 - the worker's boundary: others must go on
            future.set_exception(error)

    def _serve(self) -> None:
        while True:
            tickets, ending = self._gather()
            if self._waiting.qsize() > self._batch:
                tickets = [ticket for ticket in tickets if not self._leave_out(ticket)]
            for group in self._groups(tickets):
                now = time.monotonic()
                self._on_batch([now - ticket.since for ticket in group])
                for ticket, found in zip(group, self._compute(group), strict=True):
                    self._resume(ticket, found)
            if ending:
                if self._waiting.empty():
                    return
                self._waiting.put(None)

    def _gather(self) -> tuple[list[_Ticket], bool]:
        """Wait for a ticket and, a moment, for others."""
        first = self._waiting.get()
        if first is None:
            return [], True
        tickets = [first]
        deadline = time.monotonic() + self._patience_s
        while len(tickets) < self._batch:
            try:
                found = self._waiting.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if found is None:
                return tickets, True
            tickets.append(found)
        return tickets, False

    def _groups(self, tickets: Sequence[_Ticket]) -> Iterator[list[_Ticket]]:
        """Divide into batches, short windows first."""
        group: list[_Ticket] = []
        held = 0
        for ticket in sorted(tickets, key=lambda one: len(one.work.samples)):
            held += len(ticket.work.samples)
            if group and held > self._batch_samples:
                yield group
                group, held = [], len(ticket.work.samples)
            group.append(ticket)
        if group:
            yield group

    def _compute(self, group: Sequence[_Ticket]) -> list[Found | BackendError]:
        """Run a batch; if that fails, each step by itself, so that one can't fail others."""
        try:
            with self._gate.live():
                return [*self._engine.run([ticket.work for ticket in group])]
        except BackendError as error:
            if len(group) == 1:
                return [error]
        return [result for ticket in group for result in self._compute([ticket])]

    def _leave_out(self, ticket: _Ticket) -> bool:
        optional = ticket.work.optional
        if optional:
            self._resume(ticket, None)
        return optional

    def _resume(self, ticket: _Ticket, found: Found | BackendError | None) -> None:
        """Hand a result to its session, which ends the call or asks for more."""
        try:
            if isinstance(found, BackendError):
                ticket.steps.throw(found)
            ticket.work = ticket.steps.send(found if isinstance(found, Found) else None)
        except StopIteration as stop:
            ticket.future.set_result(stop.value)
        except Exception as error:  # noqa: BLE001 - the worker's boundary: others must go on
            ticket.future.set_exception(error)
        else:
            ticket.since = time.monotonic()
            self._waiting.put(ticket)
