"""What the search carries from chunk to chunk."""

from __future__ import annotations

import numpy as np
import pytest

from eclectus.core.options import GreedySearch
from eclectus.search.transducer import TransducerSearch
from eclectus.search.transducer_state import TransducerState
from tests.support.toy_transducer import ToySize, ToyTransducer, random_encoded, toy_config


def make_search(table: tuple[int, ...], bias: float) -> tuple[TransducerSearch, ToyTransducer]:
    toy = ToyTransducer(ToySize(blank_bias=bias), table)
    return TransducerSearch(toy, toy_config(12, table), GreedySearch()), toy


def test_a_jump_past_the_chunk_is_carried_over() -> None:
    search, _ = make_search((4,), -50.0)
    first, state = search.advance(random_encoded([6]), search.start(1))
    second, _ = search.advance(random_encoded([6]), state)
    assert first[0].frames.tolist() == [0, 4]
    assert state.overshoot.tolist() == [2]
    assert second[0].frames.tolist() == [8]


def test_a_jump_may_pass_whole_chunks() -> None:
    search, _ = make_search((9,), -50.0)
    state, frames = search.start(1), []
    for _ in range(10):
        (found,), state = search.advance(random_encoded([2]), state)
        frames += found.frames.tolist()
    assert frames == [0, 9, 18]


def test_the_predictor_takes_the_last_token_when_the_next_frame_comes() -> None:
    search, toy = make_search((1,), -50.0)
    _, state = search.advance(random_encoded([1]), search.start(1))
    assert state.pending.tolist() == [True]
    assert len(toy.calls.predicted) == 1
    _, state = search.advance(random_encoded([0]), state)
    assert len(toy.calls.predicted) == 1
    search.advance(random_encoded([1]), state)
    assert len(toy.calls.predicted) == 2
    assert toy.calls.predicted[1] == state.tokens.tolist()


def test_a_chunk_is_left_by_an_advance_only() -> None:
    search, _ = make_search((), -50.0)
    first, state = search.advance(random_encoded([1]), search.start(1))
    second, _ = search.advance(random_encoded([2]), state)
    assert first[0].frames.tolist() == [0] * 10
    assert second[0].frames.tolist() == [1] * 10 + [2] * 10
    assert state.overshoot.tolist() == [0]


def test_a_state_is_left_as_it_was() -> None:
    search, _ = make_search((0, 1, 2), 1.5)
    _, state = search.advance(random_encoded([7, 5, 0]), search.start(3))
    once, _ = search.advance(random_encoded([9, 2, 5]), state)
    again, _ = search.advance(random_encoded([9, 2, 5]), state)
    for one, other in zip(once, again, strict=True):
        np.testing.assert_array_equal(one.token_ids, other.token_ids)
        np.testing.assert_array_equal(one.log_probs, other.log_probs)


def test_silent_streams_beside_a_talking_one_stay_as_they_were() -> None:
    search, _ = make_search((0, 1, 2), 0.0)
    _, state = search.advance(random_encoded([7, 7, 7]), search.start(3))
    _, after = search.advance(random_encoded([0, 5, 0]), state)
    rows = np.array([0, 2])
    before, beside = state.take(rows), after.take(rows)
    for name in ("predicted", "tokens", "pending", "consumed"):
        np.testing.assert_array_equal(getattr(before, name), getattr(beside, name), err_msg=name)
    assert len(after) == 3


def test_joining_no_states_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        TransducerState.concat([])
