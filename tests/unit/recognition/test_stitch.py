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


def test_the_longest_run_wins_over_a_single_match_nearer_to_the_middle() -> None:
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
