"""One source on its way from windows to a transcript, for a caller that computes them itself."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from eclectus.core.types import Transcript
from eclectus.recognition.pool import Entry, Pending
from eclectus.recognition.reader import Cutting, Opener, read_sources


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A source whose windows are read here and recognised by whoever has the model.

    Attributes:
        pending: Takes what was found in each window; knows when the source is done.
        opener: Opens the source.
        cutting: How it is divided.
        finish: From what was found to the transcript; raises the source's own error.
    """

    pending: Pending
    opener: Opener
    cutting: Cutting
    finish: Callable[[Pending], Transcript]

    def windows(self) -> Generator[Entry | None, None, None]:
        """Read the windows in order; None where the source fails, `pending.error` then set."""
        return read_sources([(self.pending, self.opener)], self.cutting)

    def transcript(self) -> Transcript:
        """Return the transcript of a source that is done.

        Raises:
            EclectusError: The source's own error.
        """
        return self.finish(self.pending)
