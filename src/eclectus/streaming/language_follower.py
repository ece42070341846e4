"""The language of a stream, identified from its final words."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from eclectus.core.types import Word
from eclectus.streaming.events import Event, Final, LanguageDetected, SegmentDone
from eclectus.text.model_languages import ModelLanguages

_MEMORY = 40
"""The language is identified from so many of the last words: some sentences. So a change of the
language is found within one or two sentences, and memory does not grow with the stream."""


class LanguageFollower:
    """Adds the language to the events of a stream."""

    def __init__(self, languages: ModelLanguages, hint: str | None) -> None:
        """Start a stream.

        Args:
            languages: That the model knows.
            hint: The language that is expected.
        """
        self._languages = languages
        self.hint = hint
        """The language that is expected; it may be set at any time."""
        self._words: deque[str] = deque(maxlen=_MEMORY)
        self._current: str | None = None

    def annotate(self, events: Sequence[Event]) -> list[Event]:
        """Return the events with `LanguageDetected` added and the language of segments set."""
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
                annotated += self._identify(event.words)
        return annotated

    def _identify(self, words: Sequence[Word]) -> list[LanguageDetected]:
        if self._languages.identify is None:
            return []
        self._words.extend(word.text for word in words)
        # Only the hint of the caller: an earlier result must not favour itself.
        guess = self._languages.identify(" ".join(self._words), hint=self.hint)
        if guess is None or guess.code == self._current:
            return []
        self._current = guess.code
        return [LanguageDetected(guess.code, guess.confidence, words[-1].end)]
