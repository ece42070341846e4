"""A stream in any chunks finds what the whole finds, for any model, batch and division."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.options import GreedySearch
from eclectus.core.types import EncoderOutput, Hypothesis
from eclectus.search.transducer import TransducerSearch
from eclectus.search.transducer_state import TransducerState
from tests.support.search_twin import assert_same, search_one
from tests.support.toy_transducer import ToySize, ToyTransducer, random_encoded, toy_config

LONGEST = 16
no_table: st.SearchStrategy[list[int]] = st.just([])
tables = no_table | st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(any)
biases = st.sampled_from([-20.0, 0.0, 1.5, 4.0])
seeds = st.integers(0, 1_000)


@st.composite
def divisions(draw: st.DrawFn) -> tuple[list[int], list[list[int]]]:
    """Lengths of a batch of streams, and for each chunk the frames that each stream gets."""
    lengths = draw(st.lists(st.integers(0, LONGEST), min_size=1, max_size=4))
    left, chunks = list(lengths), []
    while any(left):
        sizes = [draw(st.integers(0, min(rest, 7))) for rest in left]
        if not any(sizes):
            sizes[int(np.argmax(left))] = 1
        chunks.append(sizes)
        left = [rest - size for rest, size in zip(left, sizes, strict=True)]
    return lengths, chunks


def make(
    table: list[int], seed: int, bias: float, cap: int
) -> tuple[TransducerSearch, ToyTransducer]:
    toy = ToyTransducer(ToySize(blank_bias=bias), table, seed)
    return TransducerSearch(toy, toy_config(12, table), GreedySearch(max_symbols=cap)), toy


def cut(encoded: EncoderOutput, begin: list[int], sizes: list[int]) -> EncoderOutput:
    frames = np.full((len(sizes), max(sizes), encoded.frames.shape[-1]), np.nan, np.float32)
    for row, (start, size) in enumerate(zip(begin, sizes, strict=True)):
        frames[row, :size] = encoded.frames[row, start : start + size]
    return EncoderOutput(frames, np.array(sizes))


def run_chunks(
    search: TransducerSearch, encoded: EncoderOutput, chunks: list[list[int]]
) -> tuple[list[Hypothesis], TransducerState]:
    streams = len(encoded.lengths)
    parts: list[list[Hypothesis]] = [[] for _ in range(streams)]
    state, begin = search.start(streams), [0] * streams
    for sizes in chunks:
        found, state = search.advance(cut(encoded, begin, sizes), state)
        for part, hypothesis in zip(parts, found, strict=True):
            part.append(hypothesis)
        begin = [start + size for start, size in zip(begin, sizes, strict=True)]
    return [Hypothesis.concat(part) for part in parts], state


@settings(max_examples=60, deadline=None)
@given(divisions(), tables, seeds, biases, st.sampled_from([1, 2, 10]))
def test_any_division_into_chunks_finds_the_same(
    division: tuple[list[int], list[list[int]]],
    table: list[int],
    seed: int,
    bias: float,
    cap: int,
) -> None:
    lengths, chunks = division
    encoded = random_encoded(lengths, seed=seed)
    search, toy = make(table, seed, bias, cap)
    found, state = run_chunks(search, encoded, chunks)
    predictions = toy.calls.predictions
    whole, end = search.advance(encoded, search.start(len(lengths)))
    for one, other in zip(found, whole, strict=True):
        assert_same(one, other)
    assert predictions == toy.calls.predictions - predictions + 1
    assert state.consumed.tolist() == lengths
    for name in ("tokens", "pending", "overshoot"):
        np.testing.assert_array_equal(getattr(state, name), getattr(end, name), err_msg=name)
    np.testing.assert_allclose(state.predicted, end.predicted, atol=1e-5)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, LONGEST), min_size=1, max_size=6),
    tables,
    seeds,
    biases,
    st.sampled_from([1, 3, 10]),
)
def test_any_batch_of_any_model_finds_what_the_twin_finds(
    lengths: list[int], table: list[int], seed: int, bias: float, cap: int
) -> None:
    encoded = random_encoded(lengths, seed=seed)
    search, toy = make(table, seed, bias, cap)
    for row, found in enumerate(search(encoded)):
        one = encoded.take(np.array([row]))
        assert_same(found, search_one(toy, toy_config(12, table), one, cap))
        assert (np.diff(found.frames) >= 0).all()
        assert (found.frames < lengths[row]).all()


@settings(max_examples=25, deadline=None)
@given(tables, seeds, st.permutations([0, 1, 2]), st.lists(st.booleans(), min_size=3, max_size=3))
def test_streams_may_be_reordered_joined_and_begun_anew(
    table: list[int], seed: int, order: list[int], mask: list[bool]
) -> None:
    encoded = random_encoded([6, 6, 6], seed=seed)
    search, _ = make(table, seed, 1.5, 10)
    _, state = search.advance(encoded, search.start(3))
    rows = np.array(order)
    pieces = [state.take(np.array([row])) for row in order]
    reset = TransducerState.concat(pieces).reset(np.array(mask), search.start(1))
    found, _ = search.advance(encoded.take(rows), reset)
    carried, _ = search.advance(encoded, state)
    fresh = search(encoded)
    for place, row in enumerate(order):
        assert_same(found[place], fresh[row] if mask[place] else carried[row])
