"""From a hypothesis in integers to a transcript in words and seconds."""

from __future__ import annotations

from collections.abc import Sequence

from eclectus.core.config import ModelConfig
from eclectus.core.options import TranscribeOptions
from eclectus.core.protocols import Tokenizer
from eclectus.core.types import Hypothesis, Transcript
from eclectus.search.confidence import aggregate, token_confidences
from eclectus.text.segments import to_segments
from eclectus.text.words import to_tokens, to_words


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
    confidences = token_confidences(hypothesis, config.vocabulary_size, options.confidence.method)
    tokens = to_tokens(hypothesis, confidences, tokenizer, config.time_base, duration_s, start_s)

    def together(values: Sequence[float]) -> float:
        return aggregate(values, options.confidence.aggregation)

    segments = to_segments(to_words(tokens, together), options.segments)
    language = config.languages[0] if len(config.languages) == 1 else None
    return Transcript(segments, duration_s, language, config.name)
