"""Takes files from a queue, lets the model transcribe them together, and stores the results.

A file is told to be done only when its results are stored; until then the queue keeps it, and if
this process dies another has it after the lease. A file that a worker died with is transcribed
alone, so that it takes no others along if it was the reason.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from eclectus.apps.worker.job_files import results_of
from eclectus.apps.worker.numbers import WorkerNumbers
from eclectus.apps.worker.queue import Claim, ItemOutcome, Job, Queue
from eclectus.apps.worker.storage import Storage, parse
from eclectus.config.schema import Settings
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import (
    AudioError,
    CapacityError,
    EclectusError,
    OptionError,
    QueueError,
    StorageNotFoundError,
)
from eclectus.core.options import TranscribeOptions
from eclectus.core.types import Transcript
from eclectus.output.registry import render
from eclectus.output.transcript_format import RenderOptions
from eclectus.service.file_scheduler import FileScheduler, FileTicket

LOG = logging.getLogger(__name__)
Told = TypeVar("Told")

_HOPELESS = (AudioError, OptionError, StorageNotFoundError)
_WAIT_S = 1.0
_BRIEFLY_S = 0.1
_RENEWALS = 3
"""Times that a lease is renewed before it would end."""
_PAUSE_S = (0.2, 10.0)
"""First and longest pause while the queue does not answer."""


@dataclass(eq=False)
class _Work:
    """A file in work.

    Attributes:
        claim: From the queue.
        ticket: At the model; None while it is fetched.
        lost: Whether it is somebody else's by now.
    """

    claim: Claim
    ticket: FileTicket | None = None
    lost: bool = False

    def lose(self) -> None:
        """Stop: the file is somebody else's."""
        self.lost = True
        if self.ticket is not None:
            self.ticket.future.cancel()


class Worker:
    """One process's share of the queue."""

    def __init__(
        self,
        queue: Queue,
        storage: Storage,
        files: FileScheduler,
        settings: Settings,
        *,
        numbers: WorkerNumbers | None = None,
    ) -> None:
        """Prepare; nothing is claimed before `run`.

        Args:
            queue: Where files come from.
            storage: Where audio and results lie.
            files: The model.
            settings: `queue` says how many files at once and how long leases are; the other
                sections shape transcripts where the job says nothing.
            numbers: What is counted for Prometheus.
        """
        self._queue = queue
        self._storage = storage
        self._files = files
        self._settings = settings
        self._options = settings.queue
        self.numbers = numbers or WorkerNumbers()
        self._works: dict[str, _Work] = {}
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._ended = threading.Event()

    def stop(self) -> None:
        """Claim nothing more: `run` returns when what is in work has ended; safe in a signal."""
        self._stopping.set()

    def run(self, *, until_empty: bool = False) -> None:
        """Work until told to stop.

        Args:
            until_empty: Return too when no file is left in the queue.
        """
        renewing = threading.Thread(target=self._renew, name="leases", daemon=True)
        renewing.start()
        try:
            while not self._stopping.is_set():
                if not self._turn() and until_empty and self._is_empty():
                    break
            self._drain()
        finally:
            self._ended.set()
            renewing.join()
        with suppress(QueueError):  # it is forgotten anyway, in time
            self._queue.leave()

    def _turn(self) -> bool:
        """Claim what there is room for; False if there was nothing to do."""
        with self._changed:
            running = len(self._works)
            if running >= self._options.in_flight:
                self._changed.wait(_BRIEFLY_S)
                return True
        room = self._options.in_flight - running
        wait_s = _BRIEFLY_S if running else _WAIT_S
        claims = self._persistently(lambda: self._queue.claim(room, wait_s), self._stopping) or ()
        for claim in claims:
            if claim.suspect:
                self._do_alone(claim)
            else:
                self._begin(self._hold(claim))
        return bool(claims) or running > 0

    def _do_alone(self, claim: Claim) -> None:
        """Wait for all others, then for this one; whoever stops the worker stops that too."""
        work = self._hold(claim)
        while not self._stopping.is_set() and not work.lost and len(self._works) > 1:
            self._pause()
        if self._stopping.is_set() or work.lost:
            with suppress(QueueError):  # or its lease ends
                self._queue.release(claim)
            self._let_go(work)
            return
        self._begin(work)
        while not self._stopping.is_set() and self._works:
            self._pause()

    def _is_empty(self) -> bool:
        return self._persistently(self._queue.waiting, self._stopping) == 0

    def _pause(self) -> None:
        with self._changed:
            self._changed.wait(_BRIEFLY_S)

    def _hold(self, claim: Claim) -> _Work:
        """Renew a claim from now on."""
        work = _Work(claim)
        with self._changed:
            self._works[claim.handle] = work
        self.numbers.in_flight.inc()
        return work

    def _let_go(self, work: _Work) -> None:
        self.numbers.in_flight.dec()
        with self._changed:
            del self._works[work.claim.handle]
            self._changed.notify_all()

    def _begin(self, work: _Work) -> None:
        """Work on a file in a thread of its own."""
        threading.Thread(target=self._follow, args=(work,), name="file", daemon=True).start()

    def _follow(self, work: _Work) -> None:
        try:
            self._end(work)
        except QueueError:  # the process ends before the queue is back: another will have the file
            LOG.warning("%s stays in the queue", work.claim.item.source)
        finally:
            self._let_go(work)

    # One file

    def _end(self, work: _Work) -> None:
        """Work on a file and tell the queue how that went."""
        claim, item = work.claim, work.claim.item
        began = time.monotonic()
        job = self._persistently(lambda: self._queue.job(item.job), self._ended)
        if job is None:
            if not self._ended.is_set():
                self._tell(claim, ItemOutcome.CANCELLED)
            return
        try:
            if item.attempt > self._options.max_attempts:
                self._tell(claim, ItemOutcome.FAILED, problem="workers died while they had it")
                return
            audio_s = self._do(job, work)
        except CancelledError:
            return
        except BaseException as error:  # noqa: BLE001 - a store's panics are no Exceptions
            if _is_hopeless(error):
                self._tell(claim, ItemOutcome.FAILED, problem=str(error))
            else:
                self._try_again(claim, error)
        else:
            if self._tell(claim, ItemOutcome.DONE, audio_s=audio_s):
                self.numbers.audio_s.inc(audio_s)
                self.numbers.file_s.observe(time.monotonic() - began)

    def _do(self, job: Job, work: _Work) -> float:
        """Transcribe a file and store its results; returns the seconds of audio."""
        item = work.claim.item
        results = results_of(job, item)
        skip = job.overwrite is OverwritePolicy.SKIP
        if skip and all(self._storage.exists(place) for _, place in results):
            return 0.0
        with self._storage.fetch(parse(item.source)) as file:
            work.ticket = self._files.submit(file, client=job.id, options=self._transcribing(job))
            if work.lost:
                work.lose()
            try:
                transcript: Transcript = work.ticket.future.result()
            finally:
                work.ticket.released.wait()
        settings = self._settings
        output = replace(settings.output, timestamps=job.timestamps)
        rendering = RenderOptions.of(output, settings.subtitles)
        for name, place in results:
            text = render(transcript, name, rendering)
            self._storage.write(place, text)
        return transcript.duration

    def _transcribing(self, job: Job) -> TranscribeOptions:
        options = self._settings.transcribe
        return replace(options, language=job.language or options.language)

    def _try_again(self, claim: Claim, error: BaseException) -> None:
        """Put a file back that may succeed another time, unless it had enough of them."""
        problem = str(error) if isinstance(error, EclectusError) else repr(error)
        LOG.warning("%s, attempt %d: %s", claim.item.source, claim.item.attempt, problem)
        if claim.item.attempt >= self._options.max_attempts:
            self._tell(claim, ItemOutcome.FAILED, problem=problem)
            return
        delay_s = self._options.retry_s * 2 ** (claim.item.attempt - 1)
        if isinstance(error, CapacityError) and error.retry_after_s is not None:
            delay_s = max(delay_s, error.retry_after_s)
        if self._persistently(lambda: self._queue.retry(claim, problem, delay_s), self._ended):
            self.numbers.retries.inc()

    def _tell(
        self, claim: Claim, outcome: ItemOutcome, *, problem: str = "", audio_s: float = 0.0
    ) -> bool:
        """Tell the queue how a file ended; returns whether that counts."""
        if outcome is ItemOutcome.FAILED:
            LOG.error("%s failed: %s", claim.item.source, problem)

        def finish() -> bool:
            return self._queue.finish(claim, outcome, problem=problem, audio_s=audio_s)

        counts = bool(self._persistently(finish, self._ended))
        if counts:
            self.numbers.files.labels(outcome.value).inc()
        return counts

    # The queue

    def _persistently(self, call: Callable[[], Told], until: threading.Event) -> Told | None:
        """Ask the queue until it answers; None if the event comes before that."""
        pause_s, longest_s = _PAUSE_S
        while True:
            try:
                return call()
            except QueueError as error:
                LOG.warning("%s; next try in %.1f s", error, pause_s)
            if until.wait(pause_s):
                return None
            pause_s = min(2 * pause_s, longest_s)

    def _renew(self) -> None:
        """Hold on to the files in work."""
        while not self._ended.wait(self._options.lease_s / _RENEWALS):
            with self._changed:
                works = [*self._works.values()]
            with suppress(QueueError):  # the next time; or the leases end
                for claim in self._queue.renew(work.claim for work in works):
                    LOG.warning("%s was given to another worker", claim.item.source)
                    if (work := self._works.get(claim.handle)) is not None:
                        work.lose()
            with suppress(QueueError):
                self.numbers.waiting.set(self._queue.waiting())

    def _drain(self) -> None:
        """Let what is in work end; what takes too long goes back into the queue."""
        with self._changed:
            self._changed.wait_for(lambda: not self._works, self._options.grace_s)
            left = [*self._works.values()]
        for work in left:
            with suppress(QueueError):
                self._queue.release(work.claim)
            work.lose()
        with self._changed:
            self._changed.wait_for(lambda: not self._works, _WAIT_S)


def _is_hopeless(error: BaseException) -> bool:
    """Whether no other attempt would change it; a decoder that died may have been killed."""
    if isinstance(error, AudioError) and error.context.get("crashed"):
        return False
    return isinstance(error, _HOPELESS)
