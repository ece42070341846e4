"""What a queue of files must do, whatever keeps it.

A file is in the queue until its result is stored: who claims it holds a lease, renews it while it
works, and loses it by dying. Then another worker has it. So every file is done at least once, and
counted exactly once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from eclectus.core.choices import OverwritePolicy, TimestampLevel


class ItemOutcome(StrEnum):
    """How a file has ended."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is done with all files of a job.

    Attributes:
        id: Follows from everything else, so that the same order twice is one job.
        sources: Addresses as they were given.
        target: Address below which the results go.
        formats: Names of the output formats.
        language: ISO 639-1 code, if known: a hint.
        timestamps: The finest times in JSON formats.
        overwrite: Whether results that exist are left as they are.
    """

    id: str
    sources: tuple[str, ...]
    target: str
    formats: tuple[str, ...]
    language: str | None = None
    timestamps: TimestampLevel = TimestampLevel.WORD
    overwrite: OverwritePolicy = OverwritePolicy.OVERWRITE


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a job.

    Attributes:
        job: The job's id.
        source: Address of the audio; one a job.
        target: Address of the results, without the format's suffix.
        attempt: From 1; counts errors, and workers that died with it.
    """

    job: str
    source: str
    target: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Claim:
    """A file that a worker has.

    Attributes:
        item: The file.
        handle: Of the queue.
        suspect: A worker died while it had this file, which may be why.
    """

    item: Item
    handle: str
    suspect: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """How far a job has come.

    Attributes:
        job: What it does.
        submitted: Seconds since 1970.
        total: Files so far.
        done: Files with results.
        failed: Files that will have none.
        cancelled: Files that nobody wants any more.
        audio_s: Seconds of audio in those that are done.
        stopped: Whether it was cancelled.
    """

    job: Job
    submitted: float
    total: int
    done: int
    failed: int
    cancelled: int
    audio_s: float
    stopped: bool

    @property
    def left(self) -> int:
        """Files that wait or are in work."""
        return self.total - self.done - self.failed - self.cancelled

    @property
    def state(self) -> str:
        """`cancelled`, `running`, `failed` (some files) or `done`."""
        if self.stopped:
            return "cancelled"
        if self.left:
            return "running"
        return "failed" if self.failed else "done"


class Queue(Protocol):
    """Files of jobs in order; for any thread, and for any number of workers at once.

    Every method raises `QueueError` if the queue can't be reached.
    """

    def submit(self, job: Job, items: Iterable[Item]) -> int:
        """Add a job, or new files to one that is there.

        Returns:
            How many files are new.
        """
        ...

    def claim(self, count: int, wait_s: float) -> Sequence[Claim]:
        """Take files that this worker does not hold, oldest first; one at a time of dead workers.

        Args:
            count: Most of them.
            wait_s: How long to wait for the first.
        """
        ...

    def renew(self, claims: Iterable[Claim]) -> Sequence[Claim]:
        """Hold on to files.

        Returns:
            Those that were lost, because they were not renewed in time.
        """
        ...

    def finish(
        self, claim: Claim, outcome: ItemOutcome, *, problem: str = "", audio_s: float = 0.0
    ) -> bool:
        """Tell how a file has ended.

        Returns:
            Whether that counts: somebody else may have told it before.
        """
        ...

    def retry(self, claim: Claim, problem: str, delay_s: float) -> bool:
        """Put a file back, for another attempt after a time; returns as `finish`."""
        ...

    def release(self, claim: Claim) -> bool:
        """Put a file back as if it had never been claimed; returns as `finish`."""
        ...

    def job(self, name: str) -> Job | None:
        """Return a job that was not cancelled; None otherwise."""
        ...

    def cancel(self, name: str) -> bool:
        """Let the rest of a job be; False if there is no such job."""
        ...

    def remove(self, name: str) -> bool:
        """Forget a job, its results apart; False if there is no such job."""
        ...

    def retry_failed(self, name: str) -> int:
        """Queue the files of a job that failed once more; returns how many."""
        ...

    def status(self, name: str) -> JobStatus | None:
        """Return how far a job has come; None if there is no such job."""
        ...

    def jobs(self) -> Sequence[JobStatus]:
        """Return all jobs, the newest first."""
        ...

    def problems(self, name: str) -> dict[str, str]:
        """Return why files of a job failed, by source."""
        ...

    def waiting(self) -> int:
        """Return how many files are not done, of all jobs."""
        ...

    def leave(self) -> None:
        """Forget this worker, which holds no files any more."""
        ...
