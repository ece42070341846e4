"""Computes the steps of many sessions in batches, with one model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from eclectus.core.machine import usable_cores
from eclectus.core.types import FloatArray
from eclectus.streaming.engine import Found, StreamEngine, Work
from eclectus.streaming.events import Event
from eclectus.streaming.gate import Gate
from eclectus.streaming.listening import ListeningThread
from eclectus.streaming.session import Session
from eclectus.streaming.steps import Steps
from eclectus.streaming.throughput import Throughput, Utilization
from eclectus.streaming.waiting import Ticket, WaitingLine
from eclectus.streaming.windows import Draft

_FULL = 0.7
"""Above this share of the workers' time no drafts are computed: the rest is for final words."""


class StreamScheduler:
    """Computes the steps of all sessions in a few threads: gather, encode, search, scatter.

    Calls return at once, so event loops may make them; the work before the first step, above all
    the detection of speech, is done by a separate thread.

    Steps are computed in the order in which they are due: the ends of utterances at once, words in
    their middle and drafts a little later. After each step a session is queued again, and batches
    are small, so that the end of an utterance never waits long for a running batch. Drafts are left
    out when they are overdue or the workers are too busy; steps with final words never are. The end
    of an utterance is computed before it is certain or, if there was no time for that, once it is.
    """

    def __init__(
        self,
        engine: StreamEngine,
        *,
        batch: int = 16,
        batch_s: float = 0.05,
        patience_s: float = 0.005,
        threads: int | None = None,
        gate: Gate | None = None,
        on_batch: Callable[[Sequence[float]], None] = lambda _: None,
    ) -> None:
        """Start the threads.

        Args:
            engine: The model.
            batch: Maximum number of steps computed at once.
            batch_s: How long computing a batch of more than one step may take.
            patience_s: How long the first step of a batch waits for others.
            threads: CPU threads of the model's encoder; None for all cores. If it has fewer, so
                many more steps are computed at once.
            gate: Entered while steps are computed, if other work shares the model.
            on_batch: Called from the threads before each batch with the seconds that each of its
                steps has waited.
        """
        self._engine = engine
        self._batch = batch
        self._batch_s = batch_s
        self._speed = Throughput(engine.config.time_base.sample_rate)
        self._patience_s = patience_s
        self._gate = gate or Gate()
        self._on_batch = on_batch
        self._line = WaitingLine()
        workers = _workers(threads)
        self._utilization = Utilization(workers)
        # Detecting speech takes time, and callers may be event loops.
        self._listener = ListeningThread(self._queue)
        self._threads = [
            threading.Thread(target=self._serve, name=f"streams-{number}", daemon=True)
            for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many steps are in the queue."""
        return len(self._line)

    def push(self, session: Session, samples: FloatArray) -> Future[list[Event]]:
        """Like `Session.push`; the next call for the session must wait for the result.

        Raises:
            StreamClosedError: The session or the scheduler has ended.
            OptionError: The samples are not mono.
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
        """Compute the steps in the queue, then end the threads; safe to call twice."""
        self._listener.close()
        self._line.close()
        for thread in self._threads:
            thread.join()

    def _submit(self, steps: Steps) -> Future[list[Event]]:
        future: Future[list[Event]] = Future()
        future.set_running_or_notify_cancel()  # a call can't be taken back: its samples are in
        self._listener.submit(steps, future)
        return future

    def _queue(self, steps: Steps, work: Work, future: Future[list[Event]]) -> None:
        self._line.put(Ticket(steps, work, future))

    def _serve(self) -> None:
        while True:
            samples = self._speed.samples_in(self._batch_s)
            tickets = self._line.take(self._batch, samples, self._patience_s)
            if not tickets:
                return
            group = [ticket for ticket in tickets if not self._leave_out(ticket)]
            if not group:
                continue
            now = time.monotonic()
            self._on_batch([now - ticket.since for ticket in group])
            self._utilization.begin()
            try:
                results = self._compute(group)
            finally:
                self._utilization.end()
            for ticket, found in zip(group, results, strict=True):
                self._resume(ticket, found)

    def _compute(self, group: Sequence[Ticket]) -> list[Found | Exception]:
        """Run a batch; if that fails, each step by itself, so that one can't fail others."""
        try:
            return self._run(group)
        except Exception as error:  # noqa: BLE001 - the worker's boundary: others must go on
            if len(group) == 1:
                return [error]
        return [result for ticket in group for result in self._compute([ticket])]

    def _run(self, group: Sequence[Ticket]) -> list[Found | Exception]:
        with self._gate.live():
            begun = time.perf_counter()
            found = self._engine.run([ticket.work for ticket in group])
        samples = sum(len(ticket.work.samples) for ticket in group)
        self._speed.observe(samples, time.perf_counter() - begun)
        return [*found]

    def _leave_out(self, ticket: Ticket) -> bool:
        is_draft = isinstance(ticket.work.kind, Draft)
        too_much = is_draft and self._utilization.share > _FULL
        left_out = too_much or self._line.overdue(ticket)
        if left_out:
            self._resume(ticket, None)
        return left_out

    def _resume(self, ticket: Ticket, found: Found | Exception | None) -> None:
        """Pass a result to its session, which ends the call or requests the next step."""
        try:
            if isinstance(found, Exception):
                ticket.steps.throw(found)
            request = ticket.steps.send(found if isinstance(found, Found) else None)
            assert isinstance(request, Work), "streams listen before their first step"
            ticket.work = request
        except StopIteration as stop:
            ticket.future.set_result(stop.value)
        except Exception as error:  # noqa: BLE001 - the worker's boundary: others must go on
            ticket.future.set_exception(error)
        else:
            self._line.put(ticket)


def _workers(threads: int | None) -> int:
    """Return the number of workers: enough to use all cores, and at least two.

    While one worker waits for the encoder, which releases the interpreter lock, another searches.
    """
    cores = usable_cores()
    return max(2, cores // (threads or cores))
