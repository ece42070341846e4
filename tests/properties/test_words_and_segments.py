"""What holds for any stream of tokens: times in order, no orphan sign, nothing lost."""

import itertools

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import SegmentOptions
from eclectus.core.timebase import TimeBase
from eclectus.core.types import Hypothesis, Segment, Token, Word
from eclectus.text.segments import Segmenter, to_segments
from eclectus.text.speller import Speller
from eclectus.text.tokenizer import PieceTokenizer
from eclectus.text.words import is_punctuation, to_tokens, to_words

SPELT = ["▁", "▁the", "▁J", "▁Mr", "n", "ed", "3", "14", "▁5", "▁été", "今"]
SIGNS = [",", ".", "?", "▁,", "▁...", "▁¿", "▁(", ")", "▁-", "'"]
SPECIAL = ["<unk>", "<|en|>", "<EOU>"]
BYTES = ["<0xE2>", "<0x80>", "<0xA6>", "<0x41>"]
PIECES = SPELT + SIGNS + SPECIAL + BYTES
TOKENIZER = PieceTokenizer(PIECES)
FRAME_S = TimeBase().frame_s

Emissions = list[tuple[int, int, int]]
emissions = st.lists(
    st.tuples(st.integers(0, len(PIECES) - 1), st.integers(0, 5), st.integers(0, 4)), max_size=30
)
streams = st.lists(st.sampled_from(range(len(PIECES))), max_size=30)


def hypothesis_of(parts: Emissions) -> Hypothesis:
    """From (id, frames since the one before, duration)."""
    count = len(parts)
    return Hypothesis(
        np.array([token_id for token_id, _, _ in parts], np.int64),
        np.cumsum([step for _, step, _ in parts], dtype=np.int64),
        np.array([duration for _, _, duration in parts], np.int64),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
    )


def tokens_of(parts: Emissions, duration_s: float = 1e6, start_s: float = 0.0) -> list[Token]:
    confidences = np.linspace(0, 1, len(parts), dtype=np.float32)
    found = to_tokens(hypothesis_of(parts), confidences, TOKENIZER, TimeBase(), duration_s, start_s)
    return list(found)


def words_of(token_ids: list[int]) -> tuple[Word, ...]:
    return to_words(tokens_of([(token_id, 1, 1) for token_id in token_ids]), TOKENIZER, min)


@settings(max_examples=60, deadline=None)
@given(emissions, st.floats(0.0, 12.0), st.sampled_from([0.0, 3600.0]))
def test_times_are_ordered_and_inside_the_audio(
    parts: Emissions, duration_s: float, start_s: float
) -> None:
    tokens = tokens_of(parts, duration_s, start_s)
    words = to_words(tokens, TOKENIZER, min)
    for items in (tokens, words, [token for word in words for token in word.tokens]):
        edges = [edge for item in items for edge in (item.start, item.end)]
        assert edges == sorted(edges)
        assert all(start_s <= edge <= start_s + duration_s for edge in edges)
    for word in words:
        assert word.start == word.tokens[0].start
        assert word.end == word.tokens[-1].end


@settings(max_examples=60, deadline=None)
@given(emissions)
def test_every_token_is_told_and_each_that_has_text_is_in_one_word(parts: Emissions) -> None:
    tokens = tokens_of(parts)
    assert [token.id for token in tokens] == [token_id for token_id, _, _ in parts]
    words = to_words(tokens, TOKENIZER, min)
    spelt = [token for token in tokens if PIECES[token.id] not in SPECIAL]
    found = [token.confidence for word in words for token in word.tokens]
    assert found == [token.confidence for token in spelt] or not words
    assert all(0 <= word.confidence <= 1 for word in words)
    if not words:
        assert not "".join(token.text for token in tokens).strip()


SPELLER = Speller(ModelConfig("toy", Head.TDT, 80, len(PIECES)), TOKENIZER)


# Bytes that become a sign of the word before them once they are complete.
SPLIT_SIGN = [(PIECES.index(piece), 1, 1) for piece in ("▁the", "▁", "<0xE2>", "<0x80>", "<0xA6>")]


@settings(max_examples=100, deadline=None)
@given(emissions, st.lists(st.integers(0, 30), max_size=6))
@example(SPLIT_SIGN, [3])
def test_words_that_are_settled_never_change_when_tokens_follow(
    parts: Emissions, cuts: list[int]
) -> None:
    whole = hypothesis_of(parts)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    rest = Hypothesis.empty()
    words: list[Word] = []
    for start, stop in itertools.pairwise(edges):
        tokens = Hypothesis.concat([rest, whole.slice(start, stop)])
        settled, rest = SPELLER.settle(tokens, 1e6)
        words += settled
    words += SPELLER.words(SPELLER.tokens(rest, 1e6))
    assert words == list(SPELLER.words(SPELLER.tokens(whole, 1e6)))


@settings(max_examples=80, deadline=None)
@given(streams)
def test_words_spell_the_text_and_no_sign_is_alone(token_ids: list[int]) -> None:
    words = words_of(token_ids)
    joined = "".join(word.text for word in words).replace(" ", "")
    assert joined == TOKENIZER.text(token_ids).replace(" ", "")
    assert all(word.text and word.text == word.text.strip() for word in words)
    if len(words) > 1:
        assert not any(is_punctuation(word.text) for word in words)


spelt = st.lists(st.sampled_from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(spelt, st.integers(0, 20))
def test_a_text_split_anywhere_is_put_together_by_words(token_ids: list[int], cut: int) -> None:
    left, right = token_ids[:cut], token_ids[cut:]
    text = TOKENIZER.text(token_ids)
    words = [word.text for word in words_of(token_ids)]
    assert words == text.split()
    after_space = bool(left) and TOKENIZER.piece(left[-1]) == " "
    joint = " " if after_space or (right and PIECES[right[0]].startswith("▁")) else ""
    halves = [" ".join(word.text for word in words_of(half)) for half in (left, right)]
    assert joint.join(halves).split() == words


vocabulary = st.sampled_from(["Mr.", "so,", "end.", "what?!", "3.14", "a", "Wordy", "J.", "e.g."])


@st.composite
def word_streams(draw: st.DrawFn) -> list[Word]:
    now = 0.0
    words = []
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0.0, 0.0, 0.08, 0.4, 2.5]))
        length = draw(st.sampled_from([0.0, 0.08, 0.32, 1.6]))
        words.append(Word(draw(vocabulary), now, now + length, 0.5))
        now += length
    return words


@settings(max_examples=60, deadline=None)
@given(
    word_streams(),
    st.none() | st.integers(1, 8),
    st.none() | st.integers(1, 40),
    st.none() | st.floats(0.1, 10.0),
)
def test_segments_hold_all_words_and_keep_every_limit(
    words: list[Word],
    max_words: int | None,
    max_characters: int | None,
    max_duration_s: float | None,
) -> None:
    options = SegmentOptions(
        max_words=max_words, max_characters=max_characters, max_duration_s=max_duration_s
    )
    segments = to_segments(words, options)
    assert [word for segment in segments for word in segment.words] == words
    for segment in segments:
        if len(segment.words) > 1:
            assert max_words is None or len(segment.words) <= max_words
            assert max_characters is None or len(segment.text) <= max_characters
            assert max_duration_s is None or segment.end - segment.start <= max_duration_s
            pairs = zip(segment.words, segment.words[1:], strict=False)
            assert all(right.start - left.end < 2.0 for left, right in pairs)


words_with_limits = (
    word_streams(),
    st.none() | st.integers(1, 8),
    st.none() | st.floats(0.1, 10.0),
)


@settings(max_examples=100, deadline=None)
@given(
    word_streams(),
    st.none() | st.integers(1, 8),
    st.none() | st.floats(0.1, 10.0),
    st.lists(st.integers(0, 40), max_size=8),
)
def test_segments_that_a_stream_was_given_never_change_when_words_follow(
    words: list[Word], max_words: int | None, max_duration_s: float | None, cuts: list[int]
) -> None:
    options = SegmentOptions(max_words=max_words, max_duration_s=max_duration_s)
    edges = [0, *sorted(min(cut, len(words)) for cut in cuts), len(words)]
    segmenter = Segmenter(options)
    given: list[Segment] = []
    for start, stop in itertools.pairwise(edges):
        given += segmenter.add(words[start:stop])
        assert tuple(given) == to_segments(words, options)[: len(given)]
    assert (*given, *segmenter.finish()) == to_segments(words, options)
