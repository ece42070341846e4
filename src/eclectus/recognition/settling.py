"""Which words of a source are settled while later windows are still being recognised."""

from __future__ import annotations

from collections.abc import Callable

from eclectus.core.types import Hypothesis, IntArray, Word
from eclectus.recognition.pending import Pending

_HELD_BACK = 2
"""Words that later tokens may change: the last word may grow, or may turn out to be punctuation
that belongs to the word before it."""


class Settling:
    """Turns settled tokens into settled words while a source is still being recognised.

    A token is settled when no later window can change it; a word is settled when no later token
    can. Each token is converted to text once or twice, whatever the length of the source.
    """

    def __init__(
        self,
        overlap: int,
        words: Callable[[Hypothesis, Pending], tuple[Word, ...]],
        is_spelt: Callable[[int], bool],
    ) -> None:
        """Begin a source.

        Args:
            overlap: Frames that neighbouring windows share at most.
            words: Converts tokens to words.
            is_spelt: Returns whether a token id has text; ids without text are in no word.
        """
        self._overlap = overlap
        self._words = words
        self._is_spelt = is_spelt
        self._rest = Hypothesis.empty()

    def take(self, pending: Pending) -> tuple[Word, ...]:
        """Return the words that became settled since the last call."""
        tokens = Hypothesis.concat([self._rest, pending.take(self._overlap)])
        words = self._words(tokens, pending)
        if not pending.complete:
            words = words[:-_HELD_BACK]
        used = sum(len(word.tokens) for word in words)
        self._rest = tokens.slice(self._position(tokens.token_ids, used), len(tokens))
        return words

    def _position(self, token_ids: IntArray, spelt: int) -> int:
        """Return the length of the shortest prefix that has this many tokens with text."""
        for position, token_id in enumerate(token_ids.tolist()):
            if not spelt:
                return position
            spelt -= self._is_spelt(token_id)
        return len(token_ids)
