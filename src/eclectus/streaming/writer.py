"""From the tokens of a stream to words that are final, words that are drafts, and segments."""

from __future__ import annotations

from collections.abc import Sequence

from eclectus.core.model_config import ModelConfig
from eclectus.core.options import StreamOptions
from eclectus.core.protocols import Tokenizer
from eclectus.core.types import Hypothesis, Segment, Token, Word
from eclectus.search.confidence import aggregate, token_confidences
from eclectus.text.segments import to_segments
from eclectus.text.words import to_tokens, to_words

# Of parakeet_realtime_eou_120m. Its <EOB> ends a mere "uh-huh" of who listens, and no utterance.
_END_OF_UTTERANCE = "<EOU>"
_NO_ID = -1


class Writer:
    """Spells words for a model; holds no state.

    Attributes:
        end_id: Id of the token by which the model ends an utterance; no token's id if it has none.
        ends_utterances: Whether it has one.
    """

    def __init__(self, config: ModelConfig, tokenizer: Tokenizer, options: StreamOptions) -> None:
        self._config = config
        self._tokenizer = tokenizer
        self._options = options
        end_id = tokenizer.special_id(_END_OF_UTTERANCE)
        self.end_id = _NO_ID if end_id is None else end_id
        self.ends_utterances = end_id is not None

    def words(self, hypothesis: Hypothesis, end_s: float) -> tuple[Word, ...]:
        """Spell the words of tokens.

        Args:
            hypothesis: Frames counted from the beginning of the stream.
            end_s: Where the audio ends so far, in seconds.
        """
        return to_words(self._tokens(hypothesis, end_s), self._together)

    def split(self, hypothesis: Hypothesis, end_s: float) -> tuple[tuple[Word, ...], Hypothesis]:
        """Divide final tokens into words that are complete and the tokens of the last one.

        The last word may still grow or get its punctuation, which models emit late.
        """
        words = self.words(hypothesis, end_s)
        if len(words) < 2:
            return (), hypothesis
        held = len(words[-1].tokens)
        place = len(hypothesis) - held
        # Special tokens have no text and so no place in a word.
        while place > 0 and len(self._tokens(_from(hypothesis, place), end_s)) < held:
            place -= 1
        return words[:-1], _from(hypothesis, place)

    def shown(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """Leave out words below the confidence that was asked for."""
        least = self._options.live.min_confidence
        return tuple(word for word in words if word.confidence >= least)

    def segments(self, words: Sequence[Word]) -> tuple[Segment, ...]:
        """Group words to segments."""
        return tuple(to_segments(words, self._options.segments))

    def _tokens(self, hypothesis: Hypothesis, end_s: float) -> tuple[Token, ...]:
        confidences = token_confidences(
            hypothesis, self._config.vocabulary_size, self._options.confidence.method
        )
        return to_tokens(
            hypothesis,
            confidences,
            self._tokenizer,
            self._config.time_base,
            end_s,
            tail_frames=self._config.tail_frames,
        )

    def _together(self, values: Sequence[float]) -> float:
        return aggregate(values, self._options.confidence.aggregation)


def _from(hypothesis: Hypothesis, place: int) -> Hypothesis:
    return hypothesis.slice(place, len(hypothesis))
