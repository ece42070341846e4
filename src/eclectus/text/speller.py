"""From a hypothesis in integers to tokens, words, segments and a language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eclectus.core.model_config import ModelConfig
from eclectus.core.options import ConfidenceOptions, SegmentOptions
from eclectus.core.protocols import Tokenizer
from eclectus.core.types import Hypothesis, IntArray, Token, Transcript, Word
from eclectus.text.confidence import aggregate, token_confidences
from eclectus.text.model_languages import ModelLanguages
from eclectus.text.segments import Segmenter, to_segments
from eclectus.text.words import is_spelt, may_become_punctuation, to_tokens, to_words


class Speller:
    """Spells what a model's search found, for files and for streams.

    It holds no state, so threads may share one. A hypothesis that comes in parts gives the same
    words and segments as the whole, whatever the parts: see `settle` and `Segmenter`.
    """

    def __init__(
        self,
        config: ModelConfig,
        tokenizer: Tokenizer,
        confidence: ConfidenceOptions = ConfidenceOptions(),  # noqa: B008 - frozen
        segments: SegmentOptions = SegmentOptions(),  # noqa: B008 - frozen
    ) -> None:
        """Prepare to spell.

        Args:
            config: The model's card.
            tokenizer: The model's vocabulary.
            confidence: What confidences mean.
            segments: Where segments end.
        """
        self._config = config
        self._tokenizer = tokenizer
        self._confidence = confidence
        self._segments = segments

    def tokens(
        self, hypothesis: Hypothesis, duration_s: float, start_s: float = 0.0
    ) -> tuple[Token, ...]:
        """Give each token its text, its time and its confidence; none is left out.

        Args:
            hypothesis: Frames count from the beginning of the source.
            duration_s: Length of the source, so far if it goes on, in seconds.
            start_s: Where the source begins on its own time line, in seconds.
        """
        return to_tokens(
            hypothesis,
            token_confidences(hypothesis, self._config.vocabulary_size, self._confidence.method),
            self._tokenizer,
            self._config.time_base,
            duration_s,
            start_s,
            self._config.tail_frames,
        )

    def words(self, tokens: Iterable[Token]) -> tuple[Word, ...]:
        """Join tokens, as `tokens` returns them, to words."""
        return to_words(tokens, self._tokenizer, self._together)

    def settle(
        self, hypothesis: Hypothesis, duration_s: float, start_s: float = 0.0
    ) -> tuple[tuple[Word, ...], Hypothesis]:
        """Divide tokens, to which others will be added, into settled words and a rest.

        The last word may still grow or get its punctuation, which models emit late; where it may
        turn out to be punctuation itself, the word before it waits too.

        Args:
            hypothesis: All tokens behind the words that are settled already.
            duration_s: As for `tokens`.
            start_s: As for `tokens`.

        Returns:
            The words that no later token changes, and the tokens of the others. With the later
            tokens behind it, the rest spells what the whole would.
        """
        words = self.words(self.tokens(hypothesis, duration_s, start_s))
        open_words = 1 + (bool(words) and may_become_punctuation(words[-1].text))
        settled = words[:-open_words]
        used = sum(len(word.tokens) for word in settled)
        place = self._place(hypothesis.token_ids, used)
        return settled, hypothesis.slice(place, len(hypothesis))

    def segmenter(self) -> Segmenter:
        """Return what groups words to segments as they come."""
        return Segmenter(self._segments)

    def transcript(
        self,
        hypothesis: Hypothesis,
        duration_s: float,
        start_s: float = 0.0,
        language: str | None = None,
    ) -> Transcript:
        """Spell a whole source.

        Args:
            hypothesis: Frames count from the beginning of the source.
            duration_s: Length of the source in seconds.
            start_s: Where the source begins on its own time line, in seconds.
            language: ISO 639-1 code of the language that is expected; None if unknown.

        Raises:
            OptionError: A limit of segments is impossible.
        """
        tokens = self.tokens(hypothesis, duration_s, start_s)
        segments = to_segments(self.words(tokens), self._segments)
        languages = ModelLanguages.of(self._config)
        found = languages.of_text(" ".join(segment.text for segment in segments), language)
        labelled = (languages.with_language(segment, language or found) for segment in segments)
        return Transcript(tuple(labelled), duration_s, found, self._config.name, tokens)

    def _place(self, token_ids: IntArray, spelt: int) -> int:
        """Return how many tokens, from the first, hold so many that are in words."""
        for place, token_id in enumerate(token_ids.tolist()):
            if not spelt:
                return place
            spelt -= is_spelt(token_id, self._tokenizer)
        return len(token_ids)

    def _together(self, confidences: Sequence[float]) -> float:
        return aggregate(confidences, self._confidence.aggregation)
