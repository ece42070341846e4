"""One source on its way from windows to a transcript."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from eclectus.core.types import Transcript, Word
from eclectus.recognition.pending import Entry, Pending
from eclectus.recognition.reader import Cutting, Opener, read_windows
from eclectus.recognition.settling import Settling


@dataclass(frozen=True, slots=True, eq=False)
class WindowedSource:
    """A source that is read window by window; a `WindowDriver` recognises the windows.

    Attributes:
        pending: Collects the results of the windows; says when the source is done.
        opener: Opens the source.
        cutting: How it is divided.
        finish: Makes the transcript; raises the source's own error.
        settling: Returns the words that are settled before the source is done.
    """

    pending: Pending
    opener: Opener
    cutting: Cutting
    finish: Callable[[Pending], Transcript]
    settling: Settling

    def windows(self) -> Generator[Entry | None, None, None]:
        """Read the windows in order; None where the source fails, `pending.error` then set."""
        return read_windows(self.pending, self.opener, self.cutting)

    def take_settled(self) -> tuple[Word, ...]:
        """Return the words that no later window can change, without those of earlier calls.

        To be called after each window, from the thread that drives the windows. When the source is
        done, all words have come, and they are those of the transcript.
        """
        return self.settling.take(self.pending)

    def transcript(self) -> Transcript:
        """Return the transcript of a source that is done.

        Raises:
            EclectusError: The source's own error.
        """
        return self.finish(self.pending)
