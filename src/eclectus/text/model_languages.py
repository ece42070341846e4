"""Identifies which of a model's languages a text is in."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from eclectus.core.errors import BackendUnavailableError, OptionError
from eclectus.core.model_config import ModelConfig
from eclectus.core.protocols import LanguageIdentifier
from eclectus.core.types import LanguageGuess, Segment
from eclectus.text.language import LanguageDetector

log = logging.getLogger(__name__)


class ModelLanguages:
    """The languages of a model, and the function that identifies which of them a text is in.

    Where the model knows one language only, every text is in it, and nothing is identified.

    Attributes:
        only: ISO 639-1 code of a model's one language; None if it knows several, or none is known.
        identify: Identifies the language of a text; None where nothing is identified.
    """

    def __init__(self, codes: Sequence[str], identify: LanguageIdentifier | None) -> None:
        """Take the languages of a model.

        Args:
            codes: ISO 639-1; empty if unknown.
            identify: Identifies the language of a text among several; None to leave it unknown.
        """
        self.only = codes[0] if len(codes) == 1 else None
        self.identify = identify if len(codes) > 1 else None

    @staticmethod
    def of(config: ModelConfig) -> ModelLanguages:
        """Return the languages of a model, identified by the library that is installed."""
        return ModelLanguages(config.languages, language_identifier(config))

    def of_text(self, text: str, hint: str | None) -> str | None:
        """Return the ISO 639-1 code of a text's language, None if it is unknown.

        Args:
            text: What was said.
            hint: The language that is expected.
        """
        guess = self.identify(text, hint=hint) if self.identify else None
        return self.only if guess is None else guess.code

    def with_language(self, segment: Segment, expected: str | None) -> Segment:
        """Return the segment with its language.

        Args:
            segment: What was said.
            expected: The language of the whole: a short segment is taken to be in it unless it is
                clearly in another.
        """
        if self.identify is None:
            return replace(segment, language=self.only)
        guess = self.identify(segment.text, hint=expected)
        if guess is None:
            return segment
        return replace(segment, language=guess.code, language_confidence=guess.confidence)


def language_of(segments: Sequence[Segment], config: ModelConfig, hint: str | None) -> str | None:
    """Return the language of what was said, an ISO 639-1 code.

    None where the text is too short, or where the library that identifies languages (the extra
    `language`) is not installed.

    Args:
        segments: What was said.
        config: The card of the model that transcribed it.
        hint: The language that is expected.
    """
    text = " ".join(segment.text for segment in segments)
    return ModelLanguages.of(config).of_text(text, hint)


def language_identifier(config: ModelConfig) -> LanguageIdentifier:
    """Return a function that identifies the language of a text among those of a model.

    The function returns None for every text where the library that it needs (the extra `language`)
    is not installed.
    """
    detector = _detector(config.languages)

    def identify(text: str, *, hint: str | None) -> LanguageGuess | None:
        try:
            return detector.detect(text, hint=hint)
        except BackendUnavailableError as error:
            log.info("the language stays unknown: %s", error)
            return None

    return identify


def check_language(language: str | None, config: ModelConfig) -> None:
    """Check that the model knows a language that is given as a hint.

    Raises:
        OptionError: The language is none of the model's.
    """
    if language is not None and config.languages and language not in config.languages:
        raise OptionError(
            f"{config.name} does not know the language {language!r}, but "
            f"{', '.join(config.languages)}.",
            language=language,
        )


@cache
def _detector(languages: tuple[str, ...]) -> LanguageDetector:
    return LanguageDetector(languages)
