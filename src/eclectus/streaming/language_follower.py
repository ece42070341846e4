"""The language of a stream, told from its final words."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from eclectus.core.types import Word
from eclectus.streaming.events import Event, Final, LanguageDetected, SegmentDone
from eclectus.text.model_languages import ModelLanguages

_MEMORY = 40
"""Words that are looked at: some sentences, so that a change of the language shows within one or
two, and memory does not grow with the stream."""


class LanguageFollower:
    """Adds to the events of a stream what language they are in."""

    def __init__(self, languages: ModelLanguages, hint: str | None) -> None:
        """Start a stream.

        Args:
            languages: That the model knows.
            hint: The language that is expected.
        """
        self._languages = languages
        self.hint = hint
        """The language that is expected; may change at any time."""
        self._words: deque[str] = deque(maxlen=_MEMORY)
        self._current: str | None = None

    def annotate(self, events: Sequence[Event]) -> list[Event]:
        """Return the events with those of the language between them, segments with theirs."""
        annotated: list[Event] = []
        for event in events:
            if isinstance(event, SegmentDone):
                expected = self.hint or self._current
                annotated.append(
                    SegmentDone(self._languages.with_language(event.segment, expected))
                )
            else:
                annotated.append(event)
            if isinstance(event, Final):
                annotated += self._hear(event.words)
        return annotated

    def _hear(self, words: Sequence[Word]) -> list[LanguageDetected]:
        if self._languages.identify is None:
            return []
        self._words.extend(word.text for word in words)
        # The hint of the caller only: what was found before must not hold on to itself.
        guess = self._languages.identify(" ".join(self._words), hint=self.hint)
        if guess is None or guess.code == self._current:
            return []
        self._current = guess.code
        return [LanguageDetected(guess.code, guess.confidence, words[-1].end)]
