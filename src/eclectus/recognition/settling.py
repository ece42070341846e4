"""Which words of a source are settled while later windows are still being recognised."""

from __future__ import annotations

from eclectus.core.types import Hypothesis, Word
from eclectus.recognition.pending import Pending
from eclectus.text.speller import Speller


class Settling:
    """Turns settled tokens into settled words, as they come.

    A token is settled when no window to come can reach it, a word when no token to come can change
    it. Each token is spelt once or twice, whatever the length of the source.
    """

    def __init__(
        self, speller: Speller, overlap: int, sample_rate: int, start_s: float = 0.0
    ) -> None:
        """Begin a source.

        Args:
            speller: Spells tokens.
            overlap: Frames that neighbouring windows share at most.
            sample_rate: Of the source as it is recognised, in Hz.
            start_s: Where the source begins on its own time line, in seconds.
        """
        self._speller = speller
        self._overlap = overlap
        self._rate = sample_rate
        self._start_s = start_s
        self._rest = Hypothesis.empty()

    def take(self, pending: Pending) -> tuple[Word, ...]:
        """Return the words that have been settled since the last call."""
        found = Hypothesis.concat([self._rest, pending.take(self._overlap)])
        duration_s = pending.samples / self._rate
        if pending.complete:
            self._rest = Hypothesis.empty()
            tokens = self._speller.tokens(found, duration_s, self._start_s)
            return self._speller.words(tokens)
        words, self._rest = self._speller.settle(found, duration_s, self._start_s)
        return words
