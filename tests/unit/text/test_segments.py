from dataclasses import replace

import pytest

from eclectus.core.options import SegmentOptions
from eclectus.core.types import Word
from eclectus.text.segments import to_segments

FREE = SegmentOptions(max_duration_s=None, silence_gap_s=None)


def words_of(text: str, *, pauses: dict[int, float] | None = None) -> list[Word]:
    """Words of 0.4 s, 0.1 s apart; `pauses` adds seconds before the word of that position."""
    words, now = [], 0.0
    for position, part in enumerate(text.split()):
        now += (pauses or {}).get(position, 0.0)
        words.append(Word(part, now, now + 0.4, 0.9))
        now += 0.5
    return words


def texts(words: list[Word], options: SegmentOptions = FREE) -> list[str]:
    return [segment.text for segment in to_segments(words, options)]


def test_no_words_make_no_segments() -> None:
    assert to_segments([]) == ()


def test_a_segment_is_a_sentence() -> None:
    words = words_of("Hello, Mr. Smith. It is 3.14 now?! He (J. K.) left. Bye")
    assert texts(words) == ["Hello, Mr. Smith.", "It is 3.14 now?!", "He (J. K.) left.", "Bye"]


def test_a_segment_lasts_from_its_first_word_to_its_last() -> None:
    first, second = to_segments(words_of("One two. Three."), FREE)
    assert (first.start, first.end) == pytest.approx((0.0, 0.9))
    assert (second.start, second.end) == pytest.approx((1.0, 1.4))


def test_a_long_pause_ends_a_segment() -> None:
    words = words_of("a b c d", pauses={2: 2.0})
    assert texts(words, SegmentOptions(silence_gap_s=2.0)) == ["a b", "c d"]
    assert texts(words, SegmentOptions(silence_gap_s=2.2)) == ["a b c d"]


def test_another_speaker_begins_a_segment() -> None:
    words = words_of("a b c")
    words[2] = replace(words[2], speaker="B")
    segments = to_segments(words, FREE)
    assert [(part.text, part.speaker) for part in segments] == [("a b", None), ("c", "B")]


def test_a_limit_cuts_after_a_comma_near_it() -> None:
    words = words_of("one two three four, five six seven eight")
    options = replace(FREE, max_words=5)
    assert texts(words, options) == ["one two three four,", "five six seven eight"]


def test_a_limit_cuts_at_the_longest_pause_near_it() -> None:
    words = words_of("one two three four five six seven eight", pauses={4: 0.8})
    options = replace(FREE, max_words=5)
    assert texts(words, options) == ["one two three four", "five six seven eight"]


def test_a_limit_leaves_no_scrap() -> None:
    words = words_of("one two three four five six seven eight nine ten eleven")
    parts = to_segments(words, replace(FREE, max_words=10))
    assert min(len(part.words) for part in parts) > 1


def test_a_limit_of_characters_counts_the_spaces() -> None:
    assert texts(words_of("aaa bbb ccc"), replace(FREE, max_characters=7)) == ["aaa bbb", "ccc"]
    assert texts(words_of("aaa bbb ccc"), replace(FREE, max_characters=11)) == ["aaa bbb ccc"]


def test_a_limit_of_seconds_holds() -> None:
    parts = to_segments(words_of("a b c d e f g"), replace(FREE, max_duration_s=1.5))
    assert all(part.end - part.start <= 1.5 for part in parts)
    assert len(parts) == 3


def test_a_single_word_may_break_a_limit() -> None:
    options = replace(FREE, max_characters=3, max_duration_s=0.1)
    assert texts(words_of("long words"), options) == ["long", "words"]


def test_a_stray_sign_stays_with_the_words_before_it() -> None:
    assert texts(words_of("Hi there . Bye")) == ["Hi there .", "Bye"]
    assert texts(words_of("a b c ! d e"), replace(FREE, max_words=3)) == ["a b", "c !", "d e"]


def test_a_gap_of_nothing_ends_a_segment_after_every_word() -> None:
    options = replace(FREE, silence_gap_s=0)
    assert texts(words_of("so it goes ."), options) == ["so", "it", "goes ."]
