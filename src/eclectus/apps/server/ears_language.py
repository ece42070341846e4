"""Tells the language of an eaRS session once (extension `language_detected`)."""

from __future__ import annotations

import asyncio
import logging

from eclectus.apps.server.ears_shapes import Message, SessionWords, language_message
from eclectus.core.errors import BackendUnavailableError, OptionError
from eclectus.text.language import LanguageDetector

LOG = logging.getLogger(__name__)
_MOST_WORDS = 200
"""Who is not understood after so many will not be."""


class LanguageWatch:
    """Looks at a session's words until their language is clear."""

    def __init__(self, languages: tuple[str, ...]) -> None:
        """Begin.

        Args:
            languages: ISO 639-1 codes that the model knows; empty if unknown.
        """
        self.hint: str | None = None
        self._languages = languages
        self._detector = LanguageDetector(languages)
        self._done = False

    def restart(self) -> None:
        """Begin anew; the hint stays."""
        self._done = False

    async def look(self, words: SessionWords) -> Message | None:
        """Return the message if the language has just become clear."""
        if self._done or not len(words):
            return None
        if len(self._languages) == 1:
            self._done = True
            return language_message(self._languages[0], 1.0)
        hint = self.hint if self.hint in self._detector.languages else None
        try:
            # The first text loads the statistics.
            guess = await asyncio.to_thread(self._detector.detect, words.text, hint=hint)
        except (BackendUnavailableError, OptionError) as error:
            LOG.info("the language stays unknown: %s", error)
            self._done = True
            return None
        self._done = guess is not None or len(words) > _MOST_WORDS
        return None if guess is None else language_message(guess.code, guess.confidence)
