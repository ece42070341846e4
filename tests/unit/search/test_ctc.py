"""Greedy CTC."""

from __future__ import annotations

import numpy as np
import pytest

from eclectus.core.errors import IncompatibleModelError, InferenceError
from eclectus.core.model_config import Head
from eclectus.core.types import EncoderOutput, FloatArray
from eclectus.search.ctc import CtcSearch
from tests.support.toy_transducer import log_softmax, toy_config

BLANK = 4
SEARCH = CtcSearch(toy_config(BLANK, head=Head.CTC))


def peaked(labels: list[int], heights: list[float] | None = None) -> FloatArray:
    """Log-probabilities (S, V + 1) whose best labels are given."""
    logits = np.zeros((len(labels), BLANK + 1), np.float32)
    logits[np.arange(len(labels)), labels] = heights or [5.0] * len(labels)
    return log_softmax(logits) if labels else logits


def encoded(*items: FloatArray) -> EncoderOutput:
    longest = max(len(item) for item in items)
    frames = np.full((len(items), longest, BLANK + 1), np.nan, np.float32)
    for row, item in enumerate(items):
        frames[row, : len(item)] = item
    return EncoderOutput(frames, np.array([len(item) for item in items]))


def test_repeats_collapse_and_blanks_drop() -> None:
    (found,) = SEARCH(encoded(peaked([4, 1, 1, 4, 1, 2, 2, 2, 4, 4, 0])))
    assert found.token_ids.tolist() == [1, 1, 2, 0]
    assert found.frames.tolist() == [1, 4, 5, 10]
    assert found.durations.tolist() == [2, 1, 3, 1]


def test_a_token_is_as_sure_as_its_surest_frame() -> None:
    log_probs = peaked([3, 3, 3], [2.0, 7.0, 4.0])
    (found,) = SEARCH(encoded(log_probs))
    row = log_probs[1].astype(np.float64)
    np.testing.assert_allclose(found.log_probs, [row[3]])
    np.testing.assert_allclose(found.entropies, [-(np.exp(row) * row).sum()], rtol=1e-4)


def test_the_score_counts_every_frame_blanks_included() -> None:
    log_probs = peaked([4, 3, 3, 4], [1.0, 2.0, 3.0, 4.0])
    (found,) = SEARCH(encoded(log_probs))
    np.testing.assert_allclose(found.score, log_probs.max(axis=-1).sum(), rtol=1e-6)


def test_items_of_a_batch_do_not_touch_each_other() -> None:
    found = SEARCH(encoded(peaked([1, 4, 2]), peaked([]), peaked([4]), peaked([0, 0])))
    assert [h.token_ids.tolist() for h in found] == [[1, 2], [], [], [0]]
    assert [h.durations.tolist() for h in found] == [[1, 1], [], [], [2]]


def test_an_empty_batch_gives_nothing() -> None:
    none = EncoderOutput(np.zeros((0, 0, BLANK + 1), np.float32), np.zeros(0, np.int64))
    assert SEARCH(none) == []


def test_ties_go_to_the_first() -> None:
    (found,) = SEARCH(encoded(log_softmax(np.zeros((1, BLANK + 1), np.float32))))
    assert found.token_ids.tolist() == [0]


def test_an_impossible_label_leaves_the_entropy_finite() -> None:
    logits = np.array([[3.0, -np.inf, 0.0, 0.0, 0.0]], np.float32)
    (found,) = SEARCH(encoded(log_softmax(logits)))
    assert 0.0 < found.entropies[0] < np.log(5)


def test_numbers_that_are_none_raise() -> None:
    log_probs = peaked([1, 2])
    log_probs[1, 0] = np.nan
    with pytest.raises(InferenceError, match="not finite"):
        SEARCH(encoded(log_probs))


def test_another_vocabulary_is_refused() -> None:
    with pytest.raises(InferenceError, match="vocabulary of 4"):
        SEARCH(EncoderOutput(np.zeros((1, 3, 9), np.float32), np.array([3])))


def test_lengths_beyond_the_frames_are_refused() -> None:
    with pytest.raises(InferenceError, match="lengths"):
        SEARCH(EncoderOutput(np.zeros((1, 3, BLANK + 1), np.float32), np.array([4])))


def test_a_transducer_is_refused() -> None:
    with pytest.raises(IncompatibleModelError, match="RNNT"):
        CtcSearch(toy_config(BLANK))
