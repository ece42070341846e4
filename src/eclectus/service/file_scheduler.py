"""The files of many clients on one model: windows in common batches, each client in its turn."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing

from eclectus.core.errors import CapacityError, EclectusError
from eclectus.core.options import BatchOptions, TranscribeOptions
from eclectus.core.types import Progress, Transcript, Word
from eclectus.recognition.pending import Entry, Pending, group
from eclectus.recognition.reader import SourceOpener
from eclectus.recognition.recognizer import Recognizer
from eclectus.recognition.windowed_source import WindowedSource
from eclectus.signal.decode import AudioSource, open_audio
from eclectus.streaming.gate import Gate
from eclectus.streaming.throughput import Throughput

LOG = logging.getLogger(__name__)
_AHEAD = 4
"""Windows of a file that are read before the model asks for them."""
_BATCH_S = 1.0
"""So long does a batch compute, about: whoever comes meanwhile waits for it."""
_STARVED_S = 2.0
"""So long do live streams hold a batch back at most."""


class FileTicket:
    """A file that waits for its transcript, or is being transcribed.

    Attributes:
        future: The transcript, or why there is none; cancelling it stops the work.
        released: Set when nobody reads the source any more.
        since: When it was submitted; None when its first window has been taken up.
    """

    def __init__(
        self,
        windowed: WindowedSource,
        client: str,
        on_progress: Callable[[Progress], None],
        on_words: Callable[[tuple[Word, ...]], None] | None,
    ) -> None:
        self.windowed = windowed
        self.client = client
        self.future: Future[Transcript] = Future()
        self.released = threading.Event()
        self.windows: deque[Entry] = deque()
        self.since: float | None = time.monotonic()
        self._on_progress = on_progress
        self._on_words = on_words
        self._resolved = False
        # The thread that reads and the one that computes may both find that it is over.
        self._lock = threading.Lock()

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for it, or it is over."""
        return self._resolved or self.future.cancelled()

    def progress(self, sample_rate: int) -> None:
        """Tell how far it has come."""
        pending = self.windowed.pending
        self._on_progress(pending.progress(sample_rate))
        if self._on_words is not None and pending.error is None:
            words = self.windowed.take_settled()
            if words:
                self._on_words(words)

    def resolve(self, error: BaseException | None = None) -> None:
        """Give the result, or the error; later calls change nothing."""
        with self._lock:
            if self.abandoned or not self.future.set_running_or_notify_cancel():
                return
            self._resolved = True
        if error is not None:
            self.future.set_exception(error)
            return
        try:
            self.future.set_result(self.windowed.transcript())
        except Exception as problem:  # noqa: BLE001 - the worker's boundary: it is the client's
            self.future.set_exception(problem)


class FileScheduler:
    """Transcribes files for many clients with one model.

    Each file is read by a thread of its own, a few windows ahead. One thread computes: it takes a
    window of each client in turn, so that a client with a long file, or with many, holds up nobody,
    and puts windows of like length into one batch. Before each batch live streams have their turn.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        *,
        batch: BatchOptions | None = None,
        gate: Gate | None = None,
        open_source: SourceOpener = open_audio,
        on_wait: Callable[[float], None] = lambda _: None,
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Start the computing thread.

        Args:
            recognizer: The model.
            batch: Windows computed at once; None for the recogniser's own.
            gate: Through which live streams go first.
            open_source: Opens files as `open_audio` does.
            on_wait: Called from the thread with the seconds that a file waited for its turn.
            on_batch: Called from the thread before each batch with its number of windows.
        """
        self._recognizer = recognizer
        self._driver = recognizer.driver()
        self._batch = batch or recognizer.options.batch
        self._gate = gate or Gate()
        self._open_source = open_source
        self._on_wait = on_wait
        self._on_batch = on_batch
        self._rate = recognizer.config.time_base.sample_rate
        self._speed = Throughput(self._rate)
        self._sizes: deque[int] = deque()
        self._changed = threading.Condition()
        self._clients: OrderedDict[str, deque[FileTicket]] = OrderedDict()
        self._tickets: dict[Pending, FileTicket] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="files", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Files that are not done."""
        return len(self._tickets)

    @property
    def waiting_windows(self) -> int:
        """Windows that are read and wait for the model."""
        with self._changed:
            return sum(len(ticket.windows) for ticket in self._tickets.values())

    def submit(
        self,
        source: AudioSource,
        *,
        client: str = "",
        options: TranscribeOptions | None = None,
        sample_rate: int | None = None,
        on_progress: Callable[[Progress], None] = lambda _: None,
        on_words: Callable[[tuple[Word, ...]], None] | None = None,
    ) -> FileTicket:
        """Queue a file.

        Args:
            source: As for `Recognizer.transcribe`; it stays open until `released`.
            client: Whose it is; clients have equal shares.
            options: Instead of the recogniser's own; its `search` and `batch` are the latter's.
            sample_rate: Of an array, in Hz.
            on_progress: Called from the computing thread after each of its windows.
            on_words: Called so with the words that are settled, all of them before the transcript.

        Raises:
            OptionError: An option is impossible with this model.
            CapacityError: The scheduler has ended.
        """
        windowed = self._recognizer.windowed(
            source, sample_rate=sample_rate, options=options, open_source=self._open_source
        )
        ticket = FileTicket(windowed, client, on_progress, on_words)
        with self._changed:
            if self._closed:
                raise CapacityError("the model is being unloaded; try again", retry_after_s=1.0)
            self._tickets[windowed.pending] = ticket
            self._clients.setdefault(client, deque()).append(ticket)
        ticket.future.add_done_callback(lambda _: self._wake())
        threading.Thread(target=self._read, args=(ticket,), name="reader", daemon=True).start()
        return ticket

    def close(self) -> None:
        """Transcribe what was submitted, then end; safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    # Reading

    def _read(self, ticket: FileTicket) -> None:
        """Read one file, never far ahead of the model."""
        try:
            with closing(ticket.windowed.windows()) as windows:
                for entry in windows:
                    if entry is None or not self._put(ticket, entry):
                        break
        except Exception as error:
            LOG.exception("reading failed")
            ticket.resolve(error)
        finally:
            ticket.released.set()
        if ticket.windowed.pending.error is not None:
            self._conclude(ticket)

    def _put(self, ticket: FileTicket, entry: Entry) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: ticket.abandoned or len(ticket.windows) < _AHEAD)
            if ticket.abandoned:
                return False
            ticket.windows.append(entry)
            self._changed.notify_all()
        return True

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    # Computing

    def _serve(self) -> None:
        while self._wait():
            try:
                self._compute()
            except Exception as error:
                LOG.exception("a batch failed")
                self._fail_all(error)

    def _compute(self) -> None:
        """Compute for as long as windows are ready."""
        self._sizes.clear()
        begun = time.monotonic()
        with closing(self._driver.run(self._batches())) as steps:
            for touched in steps:
                self._attend(touched)
                if self._sizes:
                    now = time.monotonic()
                    self._speed.observe(self._sizes.popleft(), now - begun)
                    begun = now

    def _wait(self) -> bool:
        """Return when there is something to compute; False when all is done for good."""
        with self._changed:
            while True:
                self._forget_abandoned()
                if any(ticket.windows for ticket in self._tickets.values()):
                    return True
                if self._closed and not self._tickets:
                    return False
                self._changed.wait()

    def _batches(self) -> Iterator[list[Entry]]:
        """Yield batches for as long as windows are ready."""
        while True:
            self._gate.wait(_STARVED_S)
            with self._changed:
                self._forget_abandoned()
                entries = self._gather()
                self._changed.notify_all()
            if not entries:
                return
            lengths = [len(entry.samples) for entry in entries]
            for rows in group(lengths, self._batch, self._rate):
                self._on_batch(len(rows))
                self._sizes.append(sum(lengths[row] for row in rows))
                yield [entries[row] for row in rows]

    def _gather(self) -> list[Entry]:
        """Take a window of each client in turn, of each of its files in turn."""
        entries: list[Entry] = []
        samples = 0
        idle = 0
        limit = min(self._batch.max_audio_s * self._rate, self._speed.samples_in(_BATCH_S))
        size = 1 if self._gate.occupied else self._batch.size
        while idle < len(self._clients) and len(entries) < size and samples < limit:
            client, tickets = next(iter(self._clients.items()))
            self._clients.move_to_end(client)
            ready = next((ticket for ticket in tickets if ticket.windows), None)
            if ready is None:
                idle += 1
                continue
            idle = 0
            tickets.remove(ready)
            tickets.append(ready)
            if ready.since is not None:
                self._on_wait(time.monotonic() - ready.since)
                ready.since = None
            entry = ready.windows.popleft()
            entries.append(entry)
            samples += len(entry.samples)
        return entries

    def _attend(self, touched: list[Pending]) -> None:
        """Report progress of the files of a batch, and conclude those that are done."""
        for pending in touched:
            ticket = self._tickets.get(pending)
            if ticket is None:
                continue
            try:
                ticket.progress(self._rate)
            except Exception as error:  # a caller's callback: the others' files go on
                LOG.exception("a callback failed")
                ticket.resolve(error)
            if pending.done or ticket.abandoned:
                self._conclude(ticket)

    def _conclude(self, ticket: FileTicket) -> None:
        ticket.resolve()
        with self._changed:
            self._forget_abandoned()
            self._changed.notify_all()

    def _fail_all(self, error: Exception) -> None:
        problem = error if isinstance(error, EclectusError) else RuntimeError(str(error))
        for ticket in [*self._tickets.values()]:
            ticket.resolve(problem)

    def _forget_abandoned(self) -> None:
        """Drop what is over; the lock is held."""
        for ticket in [one for one in self._tickets.values() if one.abandoned]:
            del self._tickets[ticket.windowed.pending]
            tickets = self._clients[ticket.client]
            tickets.remove(ticket)
            if not tickets:
                del self._clients[ticket.client]
