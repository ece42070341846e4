from collections.abc import Callable, Sequence

import numpy as np
import pytest

from eclectus.core.timebase import TimeBase
from eclectus.core.types import Hypothesis, Token, Word
from eclectus.text.tokenizer import PieceTokenizer
from eclectus.text.words import to_tokens, to_words

Emission = tuple[str, int, int]
Aggregate = Callable[[Sequence[float]], float]


def tokens_of(
    emissions: list[Emission], duration_s: float = 100.0, start_s: float = 0.0, tail: int = 0
) -> tuple[Token, ...]:
    """Tokens from (piece, frame, duration); their log-probabilities are -0, -1, -2 ..."""
    pieces = list(dict.fromkeys(piece for piece, _, _ in emissions))
    count = len(emissions)
    hypothesis = Hypothesis(
        np.array([pieces.index(piece) for piece, _, _ in emissions], np.int64),
        np.array([frame for _, frame, _ in emissions], np.int64),
        np.array([duration for _, _, duration in emissions], np.int64),
        -np.arange(count, dtype=np.float32),
        np.zeros(count, np.float32),
    )
    confidences = np.linspace(0.5, 1.0, count, dtype=np.float32)
    return to_tokens(
        hypothesis, confidences, PieceTokenizer(pieces), TimeBase(), duration_s, start_s, tail
    )


def spelt(emissions: list[Emission], aggregate: Aggregate = min) -> tuple[Word, ...]:
    """Words of (piece, frame, duration)."""
    pieces = list(dict.fromkeys(piece for piece, _, _ in emissions))
    return to_words(tokens_of(emissions), PieceTokenizer(pieces), aggregate)


def words_of(*pieces: str) -> tuple[Word, ...]:
    """Words of pieces that stand two frames apart and last one."""
    return spelt([(piece, 2 * place, 1) for place, piece in enumerate(pieces)])


def texts(*pieces: str) -> list[str]:
    return [word.text for word in words_of(*pieces)]


def spans(tokens: tuple[Token, ...]) -> list[tuple[float, float]]:
    return [(round(token.start, 6), round(token.end, 6)) for token in tokens]


def test_a_token_lasts_from_its_frame_for_its_duration() -> None:
    assert spans(tokens_of([("▁a", 2, 3), ("▁b", 10, 4)])) == [(0.16, 0.4), (0.8, 1.12)]


def test_a_tail_fills_what_is_left_until_the_next_token() -> None:
    emissions = [("▁a", 0, 1), ("▁b", 2, 1), ("▁c", 3, 2)]
    found = tokens_of(emissions, duration_s=1.0, tail=2)
    assert spans(found) == [(0.0, 0.16), (0.16, 0.24), (0.24, 0.56)]
    assert spans(tokens_of(emissions, duration_s=0.5, tail=2))[-1] == (0.24, 0.5)


def test_a_token_never_reaches_into_the_next() -> None:
    assert spans(tokens_of([("▁a", 0, 4), ("▁b", 2, 1)])) == [(0.0, 0.16), (0.16, 0.24)]


def test_a_token_of_duration_zero_lasts_until_the_next_one_frame_at_most() -> None:
    found = tokens_of([("▁a", 1, 0), ("b", 1, 0), ("▁c", 5, 0)])
    assert spans(found) == [(0.08, 0.08), (0.08, 0.16), (0.4, 0.48)]


def test_times_are_clipped_to_the_audio() -> None:
    assert spans(tokens_of([("▁a", 0, 4), ("▁b", 9, 1)], 0.2)) == [(0.0, 0.2), (0.2, 0.2)]


def test_times_are_absolute_on_the_source() -> None:
    assert spans(tokens_of([("▁a", 1, 4)], 0.2, 10.0)) == [(10.08, 10.2)]


def test_a_step_back_at_a_seam_is_lifted() -> None:
    found = tokens_of([("▁a", 5, 1), ("▁b", 4, 1), ("▁c", 7, 1)])
    assert spans(found) == [(0.4, 0.4), (0.4, 0.48), (0.56, 0.64)]


def test_special_tokens_are_emitted_but_in_no_word() -> None:
    emissions = [("<|en|>", 0, 1), ("▁a", 1, 1), ("<unk>", 2, 1)]
    assert [token.text for token in tokens_of(emissions)] == ["", " a", ""]
    (word,) = spelt(emissions)
    assert [token.text for token in word.tokens] == [" a"]
    assert word.confidence == pytest.approx(0.75)


def test_a_token_has_its_log_probability_whatever_its_confidence() -> None:
    found = tokens_of([("▁a", 0, 1), ("<unk>", 1, 1), ("b", 2, 1)])
    assert [token.log_prob for token in found] == [0, -1, -2]
    assert str(found[0].log_prob) == "0.0"


def test_bytes_stand_on_the_first_of_their_run() -> None:
    emissions = [("▁a", 0, 1), ("<0xE2>", 1, 1), ("<0x80>", 2, 1), ("<0xA6>", 3, 1)]
    assert [token.text for token in tokens_of(emissions)] == [" a", "…", "", ""]
    (word,) = spelt(emissions)
    assert word.text == "a…"
    assert len(word.tokens) == 4


def test_confidences_must_match_the_tokens() -> None:
    with pytest.raises(ValueError, match="2 confidences for 0 tokens"):
        to_tokens(Hypothesis.empty(), np.ones(2, np.float32), PieceTokenizer([]), TimeBase(), 1.0)


def test_silence_has_no_words() -> None:
    assert spelt([]) == ()
    assert texts("▁") == []
    assert texts("<unk>") == []


def test_words_begin_at_word_starts_only() -> None:
    assert texts("▁un", "able", "▁to", "▁see") == ["unable", "to", "see"]


def test_pieces_before_the_first_word_start_form_a_word() -> None:
    assert texts("able", "▁to") == ["able", "to"]


def test_a_lone_word_start_belongs_to_the_word_that_follows() -> None:
    first, second = words_of("▁a", "▁", "b", "c")
    assert (first.text, second.text) == ("a", "bc")
    assert second.start == pytest.approx(0.16)
    assert texts("▁a", "▁", "▁", "▁b", "▁") == ["a", "b"]


def test_a_space_at_the_end_of_a_piece_ends_the_word() -> None:
    assert texts("a▁", "b") == ["a", "b"]


def test_text_without_spaces_is_one_word() -> None:
    assert texts("今", "日", "は", "。") == ["今日は。"]


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (("▁Hi", "▁", ",", "▁you"), ["Hi,", "you"]),
        (("▁Hi", "▁,", "▁...", "▁you"), ["Hi,...", "you"]),
        (("▁.", "▁Hi"), [".Hi"]),
        (("▁Y", "▁¿", "▁Qué", "?"), ["Y", "¿Qué?"]),
        (("▁so", "▁(", "▁he", "▁)"), ["so", "(he)"]),
        (("▁so", "▁("), ["so("]),
        (("▁", ".", "▁?"), [".?"]),
        (("▁R", "▁&", "▁B"), ["R", "&", "B"]),
        (("▁-", "5"), ["-5"]),
        (("▁it", "'", "s"), ["it's"]),
        (("▁5", "▁%"), ["5", "%"]),
    ],
)
def test_punctuation_is_never_an_orphan(pieces: tuple[str, ...], expected: list[str]) -> None:
    assert texts(*pieces) == expected


def test_a_word_ends_where_its_sound_does_not_with_its_full_stop() -> None:
    (word,) = words_of("▁end", ".")
    assert word.end == pytest.approx(0.08)
    assert word.tokens[1].start == word.tokens[1].end == word.end


def test_the_record_keeps_the_time_at_which_a_sign_was_emitted() -> None:
    emissions = [("▁end", 0, 1), (".", 5, 1)]
    assert spans(tokens_of(emissions))[1] == (0.4, 0.48)
    (word,) = spelt(emissions)
    assert spans(word.tokens)[1] == (0.08, 0.08)


def test_a_sign_within_a_word_keeps_the_words_end() -> None:
    (word,) = words_of("▁3", ".", "14")
    assert word.text == "3.14"
    assert word.end == pytest.approx(0.40)


def test_the_confidence_is_aggregated_over_all_tokens_of_the_word() -> None:
    emissions = [("▁a", 0, 1), ("b", 1, 1), ("▁c", 2, 1)]
    first, second = spelt(emissions, lambda values: sum(values) / len(values))
    assert first.confidence == pytest.approx(0.625)
    assert second.confidence == pytest.approx(1.0)
