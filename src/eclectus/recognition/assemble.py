"""From a hypothesis in integers to a transcript in words and seconds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from eclectus.core.errors import BackendUnavailableError, OptionError
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import TranscribeOptions
from eclectus.core.protocols import LanguageIdentifier, Tokenizer
from eclectus.core.types import Hypothesis, LanguageGuess, Segment, Transcript, Word
from eclectus.search.confidence import aggregate, token_confidences
from eclectus.text.language import LanguageDetector
from eclectus.text.segments import to_segments
from eclectus.text.words import to_tokens, to_words

log = logging.getLogger(__name__)


def assemble(
    hypothesis: Hypothesis,
    duration_s: float,
    config: ModelConfig,
    tokenizer: Tokenizer,
    options: TranscribeOptions,
    start_s: float = 0.0,
) -> Transcript:
    """Give a hypothesis text, times and confidences.

    Args:
        hypothesis: Of the whole source, in absolute frames.
        duration_s: Length of the source in seconds.
        config: The model's card.
        tokenizer: The model's vocabulary.
        options: What confidences mean and where segments end.
        start_s: Where the source begins on its own time line, in seconds.
    """
    words = words_of(hypothesis, duration_s, config, tokenizer, options, start_s)
    segments = to_segments(words, options.segments)
    language = language_of(segments, config, options.language)
    segments = with_languages(segments, config, options.language or language)
    return Transcript(segments, duration_s, language, config.name)


def words_of(
    hypothesis: Hypothesis,
    duration_s: float,
    config: ModelConfig,
    tokenizer: Tokenizer,
    options: TranscribeOptions,
    start_s: float = 0.0,
) -> tuple[Word, ...]:
    """Give a hypothesis text, times and confidences, without segments; arguments as above."""
    confidences = token_confidences(hypothesis, config.vocabulary_size, options.confidence.method)
    tokens = to_tokens(
        hypothesis,
        confidences,
        tokenizer,
        config.time_base,
        duration_s,
        start_s,
        config.tail_frames,
    )

    def together(values: Sequence[float]) -> float:
        return aggregate(values, options.confidence.aggregation)

    return to_words(tokens, together)


def language_of(segments: Sequence[Segment], config: ModelConfig, hint: str | None) -> str | None:
    """Tell the language of what was said.

    Args:
        segments: What was said.
        config: The card of the model that heard it; one that knows one language needs no telling.
        hint: The language that was expected.

    Returns:
        An ISO 639-1 code; None where the text is too short to tell, or where nothing is installed
        that could tell (the extra `language`).
    """
    if len(config.languages) < 2:
        return config.languages[0] if config.languages else None
    guess = language_identifier(config)(" ".join(one.text for one in segments), hint=hint)
    return None if guess is None else guess.code


def with_languages(
    segments: Sequence[Segment], config: ModelConfig, expected: str | None
) -> tuple[Segment, ...]:
    """Give each segment its language.

    Args:
        segments: What was said.
        config: The card of the model that heard it.
        expected: The language of the whole: short segments are taken to be in it unless they are
            clearly in another.
    """
    if len(config.languages) < 2:
        only = config.languages[0] if config.languages else None
        return tuple(replace(segment, language=only) for segment in segments)
    identify = language_identifier(config)
    guesses = [identify(segment.text, hint=expected) for segment in segments]
    return tuple(
        segment
        if guess is None
        else replace(segment, language=guess.code, language_confidence=guess.confidence)
        for segment, guess in zip(segments, guesses, strict=True)
    )


def language_identifier(config: ModelConfig) -> LanguageIdentifier:
    """Return what tells the language of a text among those of a model of several languages.

    It knows no answer where nothing is installed that could tell (the extra `language`).
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
    """Refuse a hint that the model does not know.

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
