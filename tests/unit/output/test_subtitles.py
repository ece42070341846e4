from dataclasses import replace

import pytest

from eclectus.core.errors import OptionError
from eclectus.core.options import SubtitleOptions
from eclectus.core.types import Segment, Transcript, Word
from eclectus.output.linebreak import lines_needed, wrap
from eclectus.output.subtitles import Cue, lay_out

DEFAULT = SubtitleOptions()


def segment(text: str, start: float = 0.0, word_s: float = 0.3, pause_s: float = 0.0) -> Segment:
    step = word_s + pause_s
    words = tuple(
        Word(part, start + place * step, start + place * step + word_s, 0.9)
        for place, part in enumerate(text.split())
    )
    return Segment(words, words[0].start, words[-1].end)


def transcript(*segments: Segment, duration: float = 60.0) -> Transcript:
    return Transcript(segments, duration)


def texts(cues: list[Cue]) -> list[str]:
    return [cue.markup(str) for cue in cues]


def times(cues: list[Cue]) -> list[tuple[int, int]]:
    return [(cue.start_ms, cue.end_ms) for cue in cues]


def test_lines_are_balanced() -> None:
    text = "the quick brown fox jumped over the lazy dogs today"
    assert texts(lay_out(transcript(segment(text)), DEFAULT)) == [
        "the quick brown fox jumped\nover the lazy dogs today"
    ]


def test_a_line_breaks_after_a_comma() -> None:
    words = ["When", "it", "rains,", "nobody", "comes", "out", "to", "see", "the", "garden"]
    assert wrap(words, 42) == [3]


def test_a_line_does_not_end_with_an_article() -> None:
    words = ["they", "all", "went", "down", "to", "the", "seashore", "together", "yesterday"]
    (stop,) = wrap(words, 42)
    assert words[stop - 1] not in {"the", "to"}


def test_one_line_needs_no_break() -> None:
    assert wrap(["short", "line"], 42) == []


def test_a_word_over_the_width_has_a_line_for_itself() -> None:
    words = ["a", "x" * 50, "b"]
    assert lines_needed(words, 42) == 3
    assert wrap(words, 42) == [1, 2]
    parts = texts(lay_out(transcript(segment(" ".join(words))), DEFAULT))
    assert "\n".join(parts).split("\n") == words


def test_a_long_segment_becomes_several_cues_that_end_at_commas() -> None:
    text = (
        "Taking with them the brass lamp and the logbooks, two goats and a parrot, "
        "they left the island for good in the morning"
    )
    cues = lay_out(transcript(segment(text)), DEFAULT)
    assert len(cues) == 2
    assert texts(cues)[0].endswith(",")
    assert " ".join(texts(cues)).replace("\n", " ") == text


def test_a_cue_breaks_at_a_long_pause() -> None:
    first = segment("one two three four five six", word_s=0.5)
    second = segment("seven eight nine ten eleven twelve", start=4.0, word_s=0.5)
    both = Segment(first.words + second.words, 0.0, second.end)
    cues = lay_out(transcript(both), replace(DEFAULT, max_duration_s=4.5))
    assert [cue.words[0].text for cue in cues] == ["one", "seven"]


def test_a_cue_never_lasts_over_the_limit() -> None:
    cues = lay_out(transcript(segment("a b c d e f", word_s=2.0)), DEFAULT)
    assert all(cue.end_ms - cue.start_ms <= 7000 for cue in cues)
    (long,) = lay_out(transcript(segment("Ooooh", word_s=20.0)), DEFAULT)
    assert times([long]) == [(0, 7000)]


def test_a_cue_is_held_for_the_reader_where_there_is_room() -> None:
    slow = replace(DEFAULT, max_characters_per_s=10.0)
    fast_talk = segment("forty characters are spoken in no time..", word_s=0.1)
    assert times(lay_out(transcript(fast_talk), slow)) == [(0, 4000)]
    assert times(lay_out(transcript(fast_talk, duration=3.0), slow)) == [(0, 3000)]
    tight = lay_out(transcript(fast_talk, segment("Next", 2.0)), slow)
    assert times(tight) == [(0, 2000), (2000, 2800)]


def test_a_short_cue_is_shown_for_the_shortest_time() -> None:
    assert times(lay_out(transcript(segment("Yes.", word_s=0.1)), DEFAULT)) == [(0, 800)]


def test_words_without_length_still_get_cues_that_can_be_seen() -> None:
    same = [Segment((Word(text, 5.0, 5.0, 1.0),), 5.0, 5.0) for text in "abc"]
    assert times(lay_out(transcript(*same, duration=5.0), DEFAULT)) == [
        (5000, 5001),
        (5001, 5002),
        (5002, 5003),
    ]


def test_segments_of_two_channels_are_put_in_order_without_overlap() -> None:
    cues = lay_out(transcript(segment("one two", 0.2, 1.0), segment("three", 0.0, 1.0)), DEFAULT)
    assert [cue.words[0].text for cue in cues] == ["three", "one"]
    assert times(cues)[0] == (0, 200)


def test_a_word_without_text_is_not_shown() -> None:
    blank = Segment((Word("\n", 0.0, 1.0, 1.0),), 0.0, 1.0)
    assert lay_out(transcript(blank), DEFAULT) == []


def test_highlighting_divides_the_cue_among_its_words() -> None:
    options = replace(DEFAULT, highlight_words=True)
    cues = lay_out(transcript(segment("a bb ccc", 1.0, 0.3, 0.2)), options)
    assert times(cues) == [(1000, 1500), (1500, 2000), (2000, 2300)]
    assert texts(cues) == ["<u>a</u> bb ccc", "a <u>bb</u> ccc", "a bb <u>ccc</u>"]


def test_a_shortest_time_over_the_longest_is_refused() -> None:
    with pytest.raises(OptionError, match="longer than the longest"):
        SubtitleOptions(min_duration_s=8.0)
