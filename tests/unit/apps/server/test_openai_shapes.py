"""Probabilities in OpenAI's and whisper.cpp's shapes."""

import math

from eclectus.apps.server.common.whisper_shapes import Granularity, verbose
from eclectus.apps.server.openai.openai_shapes import logprobs
from eclectus.apps.server.whisper_cpp.whisper_cpp_files import with_words
from eclectus.core.types import Segment, Token, Transcript, Word

# With entropy as the measure, a confidence says nothing about the token's own probability.
TOKENS = (Token(7, " Tea", 0.0, 0.2, 0.95, -0.5), Token(2, ".", 0.2, 0.2, 0.2, -1.5))
WORD = Word("Tea.", 0.0, 0.2, 0.6, tokens=TOKENS)
UNKNOWN = Token(0, "", 0.3, 0.4, 0.1, -3.0)


def test_a_token_has_its_own_log_probability_not_that_of_its_confidence() -> None:
    assert [one["logprob"] for one in logprobs([WORD])] == [-0.5, -1.5]
    assert [one["token"] for one in logprobs([WORD])] == ["Tea", "."]
    assert logprobs([WORD], first=False)[0]["token"] == " Tea"


def test_a_segment_has_the_mean_log_probability_of_its_tokens() -> None:
    segment = Segment((WORD,), 0.0, 0.2)
    transcript = Transcript((segment,), 1.0, tokens=(*TOKENS, UNKNOWN))
    (told,) = verbose(transcript, [Granularity.SEGMENT])["segments"]
    assert told["avg_logprob"] == -1.0
    assert told["tokens"] == [7, 2]


def test_a_word_of_whisper_cpp_has_the_mean_probability_of_its_tokens() -> None:
    (told,) = with_words(Transcript((Segment((WORD,), 0.0, 0.2),), 1.0))["segments"]
    assert told["words"][0]["probability"] == round((math.exp(-0.5) + math.exp(-1.5)) / 2, 4)
