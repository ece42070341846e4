"""Where the seam of two windows goes."""

import numpy as np
import pytest

from eclectus.core.types import Hypothesis
from eclectus.recognition.stitch import Stitcher, join_point

WORDS = ["▁a", "▁b", "▁c", "▁d", "▁e", "▁no", "x", "y", "z"]


def starts_word(token_id: int) -> bool:
    return WORDS[token_id].startswith("▁")


def hypothesis(*tokens: tuple[str, int]) -> Hypothesis:
    count = len(tokens)
    return Hypothesis(
        np.array([WORDS.index(text) for text, _ in tokens], np.int64),
        np.array([frame for _, frame in tokens], np.int64),
        np.ones(count, np.int64),
        np.zeros(count, np.float32),
        np.zeros(count, np.float32),
    )


def joined(left: Hypothesis, right: Hypothesis, start: int, stop: int) -> list[str]:
    stitcher = Stitcher(starts_word)
    stitcher.push(left, 0, 0)
    stitcher.push(right, start, stop)
    return [WORDS[token_id] for token_id in stitcher.finish().token_ids]


def test_windows_that_only_touch_are_put_one_after_the_other() -> None:
    assert joined(hypothesis(("▁a", 3)), hypothesis(("▁b", 10)), 10, 10) == ["▁a", "▁b"]


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_empty_side_takes_nothing_from_the_other(side: str) -> None:
    full = hypothesis(("▁a", 12), ("▁b", 18)) if side == "right" else hypothesis(("▁a", 5))
    left, right = (full, hypothesis()) if side == "left" else (hypothesis(), full)
    expected = ["▁a"] if side == "left" else ["▁b"]
    # A token that only one window heard counts on its own half of the overlap.
    assert joined(left, right, 10, 20) == expected


def test_the_left_window_counts_before_the_middle_and_the_right_one_after_it() -> None:
    left = hypothesis(("▁a", 2), ("▁b", 12), ("▁c", 18))
    right = hypothesis(("▁d", 11), ("▁e", 17), ("▁a", 25))
    assert joined(left, right, 10, 20) == ["▁a", "▁b", "▁e", "▁a"]


def test_repeated_words_are_told_apart_by_time() -> None:
    stream = [("▁no", frame) for frame in (2, 8, 12, 16, 20, 24, 28)]
    left = hypothesis(*[token for token in stream if token[1] < 22])
    right = hypothesis(*[token for token in stream if token[1] >= 10])
    assert joined(left, right, 10, 22) == ["▁no"] * 7


def test_a_word_that_the_window_cut_is_taken_whole_from_the_other() -> None:
    left = hypothesis(("▁a", 2), ("▁b", 12), ("▁c", 18))  # "▁c" is the half of "▁c x"
    right = hypothesis(("y", 10), ("▁b", 12), ("▁c", 18), ("x", 21))
    assert joined(left, right, 10, 20) == ["▁a", "▁b", "▁c", "x"]


def test_a_word_across_the_middle_stays_whole_when_nothing_matches() -> None:
    left = hypothesis(("▁a", 12), ("x", 14), ("y", 16))
    right = hypothesis(("▁b", 11), ("z", 14), ("▁c", 18))
    assert joined(left, right, 10, 20) == ["▁a", "x", "y", "▁c"]


def test_of_two_runs_that_are_long_enough_the_nearer_to_the_middle_wins() -> None:
    left = hypothesis(("▁a", 10), ("▁b", 11), ("▁c", 12), ("▁d", 20), ("▁e", 21), ("x", 28))
    right = hypothesis(("▁a", 10), ("▁b", 11), ("▁c", 12), ("y", 16), ("▁d", 20), ("▁e", 21))
    assert join_point(left, right, 10, 30, starts_word) == (4, 5)


def test_a_run_wins_over_a_single_match_nearer_to_the_middle() -> None:
    left = hypothesis(("▁a", 11), ("▁b", 12), ("▁c", 13), ("▁e", 15), ("x", 16))
    right = hypothesis(("▁a", 11), ("▁b", 12), ("▁c", 13), ("▁d", 14), ("▁e", 15), ("z", 17))
    keep, skip = join_point(left, right, 10, 20, starts_word)
    assert (keep, skip) == (3, 3)


def test_the_end_of_a_word_is_not_repeated_when_the_windows_spell_it_differently() -> None:
    left = hypothesis(("▁a", 12), ("x", 16))
    right = hypothesis(("z", 17), ("▁c", 30))
    assert joined(left, right, 10, 20) == ["▁a", "x", "▁c"]


def test_frames_never_go_back_at_a_seam() -> None:
    stitcher = Stitcher(starts_word)
    stitcher.push(hypothesis(("▁a", 14)), 0, 0)
    stitcher.push(hypothesis(("▁a", 12), ("▁b", 13)), 10, 20)
    assert stitcher.finish().frames.tolist() == [14, 14]


def test_a_word_that_only_the_right_heard_across_the_middle_is_not_lost() -> None:
    left = hypothesis(("▁a", 11))
    right = hypothesis(("▁b", 19), ("x", 22), ("▁c", 28))
    assert joined(left, right, 10, 30) == ["▁a", "▁b", "x", "▁c"]


def test_a_word_that_the_left_window_cuts_comes_from_the_right() -> None:
    left = hypothesis(("▁a", 5), ("▁b", 14), ("x", 18))  # cut by the left's edge at 20
    right = hypothesis(("▁c", 14), ("y", 17), ("z", 21), ("▁d", 25))
    assert joined(left, right, 10, 20) == ["▁a", "▁c", "y", "z", "▁d"]


def test_a_word_that_the_right_window_cuts_comes_from_the_left() -> None:
    left = hypothesis(("▁b", 8), ("x", 12), ("y", 16), ("▁e", 18))
    right = hypothesis(("z", 10), ("z", 16), ("▁d", 25))
    assert joined(left, right, 10, 20) == ["▁b", "x", "y", "▁d"]


def test_a_script_that_marks_no_words_is_cut_in_the_middle() -> None:
    left = hypothesis(*[("x", frame) for frame in range(0, 60, 2)])
    right = hypothesis(*[("y", frame) for frame in range(20, 90, 2)])
    stitcher = Stitcher(lambda _: False)
    stitcher.push(left, 0, 0)
    stitcher.push(right, 20, 60)
    found = stitcher.finish()
    assert found.token_ids.tolist() == [WORDS.index("x")] * 20 + [WORDS.index("y")] * 25


def test_a_long_overlap_of_one_repeated_token_is_joined_by_its_frames() -> None:
    stream = [("▁no", frame // 4) for frame in range(4000)]
    left = hypothesis(*stream[:3000])
    right = hypothesis(*stream[2000:])
    stitcher = Stitcher(starts_word)
    stitcher.push(left, 0, 0)
    stitcher.push(right, 500, 750)
    assert stitcher.finish().frames.tolist() == [frame for _, frame in stream]
