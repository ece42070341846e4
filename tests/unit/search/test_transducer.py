"""The batched label-looping search against its frame-by-frame twin, and what it costs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from eclectus.core.errors import IncompatibleModelError, InferenceError
from eclectus.core.model_config import Head
from eclectus.core.options import GreedySearch
from eclectus.core.types import EncoderOutput, FloatArray, Hypothesis, IntArray, PredictorState
from eclectus.search.look_ahead import CELLS, MAX_WIDTH, block_width
from eclectus.search.transducer import TransducerSearch
from tests.support.search_twin import assert_same, search_one
from tests.support.toy_transducer import (
    Cell,
    ToySize,
    ToyTransducer,
    random_encoded,
    toy_config,
)

TABLES = [(), (0, 1, 2, 3, 4), (0, 1, 2, 4, 8), (1, 2, 3), (2, 0, 7)]
LENGTHS = [11, 1, 20, 0, 7, 16, 20, 2, 8, 17, 9, 14, 20, 3, 0, 10]


def make_search(
    durations: tuple[int, ...] = (), seed: int = 0, max_symbols: int = 10, **size: float
) -> tuple[TransducerSearch, ToyTransducer]:
    toy = ToyTransducer(replace(ToySize(), **size), durations, seed)  # type: ignore[arg-type]  # floats only
    return TransducerSearch(
        toy, toy_config(12, durations), GreedySearch(max_symbols=max_symbols)
    ), toy


def item(encoded: EncoderOutput, row: int) -> EncoderOutput:
    return encoded.take(np.array([row]))


def twin(
    encoded: EncoderOutput,
    durations: tuple[int, ...] = (),
    seed: int = 0,
    max_symbols: int = 10,
    **size: float,
) -> list[Hypothesis]:
    toy = ToyTransducer(replace(ToySize(), **size), durations, seed)  # type: ignore[arg-type]  # floats only
    config = toy_config(12, durations)
    rows = range(len(encoded.lengths))
    return [search_one(toy, config, item(encoded, row), max_symbols) for row in rows]


def visited(hypotheses: list[Hypothesis]) -> int:
    return sum(len(h) for h in hypotheses)


@pytest.mark.parametrize("durations", TABLES)
@pytest.mark.parametrize("blank_bias", [-2.0, 1.5, 5.0])
def test_a_batch_finds_what_the_twin_finds_item_by_item(
    durations: tuple[int, ...], blank_bias: float
) -> None:
    encoded = random_encoded(LENGTHS, seed=3)
    search, _ = make_search(durations, blank_bias=blank_bias)
    expected = twin(encoded, durations, blank_bias=blank_bias)
    assert visited(expected) > 0
    for one, other in zip(search(encoded), expected, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("durations", TABLES)
@pytest.mark.parametrize("size", [1, 4, 16])
def test_the_size_of_the_batch_changes_nothing(durations: tuple[int, ...], size: int) -> None:
    encoded = random_encoded(LENGTHS, seed=4)
    whole = make_search(durations)[0](encoded)
    search, _ = make_search(durations)
    rows = np.arange(len(LENGTHS)).reshape(-1, size)
    parts = [h for part in rows for h in search(encoded.take(part))]
    for one, other in zip(parts, whole, strict=True):
        assert_same(one, other)


@pytest.mark.parametrize("durations", TABLES)
@pytest.mark.parametrize("cap", [1, 2, 10])
def test_emissions_without_an_advance_are_capped(durations: tuple[int, ...], cap: int) -> None:
    encoded = random_encoded([12, 5], seed=5)
    search, _ = make_search(durations, max_symbols=cap, blank_bias=-50.0, stay_bias=6.0)
    found = search(encoded)
    expected = twin(encoded, durations, max_symbols=cap, blank_bias=-50.0, stay_bias=6.0)
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)
        assert np.unique(one.frames, return_counts=True)[1].max() <= cap
    if not durations:
        assert len(found[0]) == 12 * cap


def test_a_blank_forces_an_advance() -> None:
    encoded = random_encoded([30])
    search, toy = make_search((0, 1), blank_bias=50.0, stay_bias=50.0)
    (found,) = search(encoded)
    assert len(found) == 0
    assert sorted(toy.calls.cells) == [(0, frame) for frame in range(30)]


def test_a_single_item_is_never_evaluated_past_its_end_nor_after_it() -> None:
    for length in range(1, 20):
        search, toy = make_search((0, 1, 2, 3, 4), seed=length)
        search(random_encoded([length], seed=length))
        assert max(frame for _, frame in toy.calls.cells) < length


@pytest.mark.parametrize("durations", TABLES)
def test_without_look_ahead_exactly_the_cells_of_the_path_are_evaluated(
    durations: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = random_encoded(LENGTHS, seed=6)
    monkeypatch.setattr("eclectus.search.transducer.block_width", lambda *_: 1)
    search, toy = make_search(durations)
    search(encoded)
    plain = ToyTransducer(durations=durations)
    for row in range(len(LENGTHS)):
        search_one(plain, toy_config(12, durations), item(encoded, row))
    assert sorted(toy.calls.cells) == sorted(plain.calls.cells)


@pytest.mark.parametrize("durations", TABLES)
def test_a_finished_item_is_never_evaluated_again(durations: tuple[int, ...]) -> None:
    encoded = random_encoded(LENGTHS, seed=6)
    search, toy = make_search(durations)
    found = search(encoded)
    assert len(found[LENGTHS.index(0)]) == 0
    for row, length in enumerate(LENGTHS):
        mine = [frame for who, frame in toy.calls.cells if who == row]
        assert all(frame < length for frame in mine)
        ended_by_token = len(found[row]) and found[row].frames[-1] + found[row].durations[-1]
        if length and durations and ended_by_token >= length:
            cells = [cells for cells in toy.calls.joints if any(who == row for who, _ in cells)]
            assert (row, int(found[row].frames[-1])) in cells[-1]


@pytest.mark.parametrize("durations", TABLES)
def test_the_predictor_runs_only_after_an_emission(durations: tuple[int, ...]) -> None:
    for seed in range(5):
        encoded = random_encoded(LENGTHS, seed=seed)
        search, toy = make_search(durations, seed=seed)
        found = search(encoded)
        longest = max(len(h) for h in found)
        # The start of the sequence is one call for all; each further call serves the whole batch.
        assert toy.calls.predictions <= 1 + sum(len(h) for h in found)
        assert len(toy.calls.predicted) <= 1 + longest


def test_the_predictor_does_not_run_for_the_emission_that_ends_an_item() -> None:
    encoded = random_encoded([6])
    search, toy = make_search((3,), blank_bias=-50.0)
    (found,) = search(encoded)
    assert found.frames.tolist() == [0, 3]
    assert toy.calls.predicted == [[12], [int(found.token_ids[0])]]


def test_the_start_of_the_sequence_is_predicted_once_for_all_calls() -> None:
    search, toy = make_search((), blank_bias=50.0)
    search(random_encoded([4, 5]))
    search(random_encoded([3]))
    assert toy.calls.predicted == [[12]]


@pytest.mark.parametrize("width", [1, 2, 5, MAX_WIDTH])
def test_look_ahead_never_changes_the_result(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = random_encoded(LENGTHS, seed=8)
    for durations in TABLES:
        usual = make_search(durations)[0](encoded)
        with monkeypatch.context() as patch:
            patch.setattr(
                "eclectus.search.transducer.block_width", lambda _n, _c, room, _f: min(width, room)
            )
            other = make_search(durations)[0](encoded)
        for one, two in zip(usual, other, strict=True):
            assert_same(one, two)


def test_look_ahead_makes_silence_cheap() -> None:
    search, toy = make_search((), blank_bias=50.0)
    search(random_encoded([64]))
    assert len(toy.calls.joints) <= 64 // MAX_WIDTH + 4


@pytest.mark.parametrize("seekers", [1, 2, 7, 100])
@pytest.mark.parametrize("calls", [0, 1, 5, 40])
@pytest.mark.parametrize("room", [1, 3, 50])
def test_a_block_is_bounded(seekers: int, calls: int, room: int) -> None:
    width = block_width(seekers, calls, room, 2)
    assert 1 <= width <= min(room, MAX_WIDTH)
    assert width == 1 or width * seekers <= CELLS


def test_an_empty_batch_and_items_without_frames_ask_nothing() -> None:
    search, toy = make_search((0, 1))
    assert search(random_encoded([])) == []
    assert [len(h) for h in search(random_encoded([0, 0]))] == [0, 0]
    assert toy.calls.predicted == []
    assert toy.calls.projections == []


def test_items_without_frames_are_not_projected() -> None:
    search, toy = make_search(())
    search(random_encoded([0, 5, 0, 3]))
    assert toy.calls.projections == [2]


class Broken(ToyTransducer):
    """A toy whose joint is changed before it is returned."""

    def __init__(self, column: int, value: float, durations: tuple[int, ...] = (0, 1, 2)) -> None:
        super().__init__(ToySize(), durations)
        self._column = column
        self._value = value

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        logits = super().joint(frames, predicted)
        logits[..., self._column] = self._value
        return logits


@pytest.mark.parametrize(
    ("column", "value"),
    [(3, np.nan), (12, np.nan), (-1, np.nan), (0, np.inf), (slice(None), -np.inf)],
)
def test_outputs_that_are_not_numbers_raise(column: int, value: float) -> None:
    search = TransducerSearch(Broken(column, value), toy_config(12, (0, 1, 2)), GreedySearch())
    with pytest.raises(InferenceError, match="not finite"):
        search(random_encoded([5, 9]))


def test_a_label_that_the_network_forbids_is_no_error() -> None:
    search = TransducerSearch(Broken(3, -np.inf), toy_config(12, (0, 1, 2)), GreedySearch())
    found = Hypothesis.concat(search(random_encoded([30, 30])))
    assert 3 not in found.token_ids
    assert len(found) > 0
    assert np.isfinite(found.entropies).all()
    assert (found.entropies >= 0).all()


class Tied(ToyTransducer):
    """All labels and durations score the same."""

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        return np.zeros_like(super().joint(frames, predicted))


def test_ties_go_to_the_first() -> None:
    search = TransducerSearch(Tied(durations=(4, 1)), toy_config(12, (4, 1)), GreedySearch())
    (found,) = search(random_encoded([9]))
    assert found.token_ids.tolist() == [0, 0, 0]
    assert found.frames.tolist() == [0, 4, 8]
    assert found.durations.tolist() == [4, 4, 4]
    np.testing.assert_allclose(found.log_probs, -np.log(13), rtol=1e-6)
    np.testing.assert_allclose(found.entropies, np.log(13), rtol=1e-6)


def test_rnnt_tokens_span_one_frame() -> None:
    search, _ = make_search(())
    (found,) = search(random_encoded([40]))
    assert len(found) > 0
    assert set(found.durations.tolist()) == {1}


def test_a_joint_of_another_vocabulary_is_refused() -> None:
    toy = ToyTransducer(durations=(0, 1))
    search = TransducerSearch(toy, toy_config(11, (0, 1)), GreedySearch())
    with pytest.raises(InferenceError, match="vocabulary of 11 and 2 durations"):
        search(random_encoded([5]))


def test_lengths_beyond_the_frames_are_refused() -> None:
    encoded = random_encoded([5, 4])
    search, _ = make_search(())
    with pytest.raises(InferenceError, match="promised 6 frames for 2 items"):
        search(EncoderOutput(encoded.frames, np.array([5, 6])))


@pytest.mark.parametrize(
    ("head", "durations"),
    [(Head.TDT, ()), (Head.RNNT, (0, 1)), (Head.CTC, ()), (Head.TDT, (0, -1))],
)
def test_a_card_that_contradicts_itself_is_refused(head: Head, durations: tuple[int, ...]) -> None:
    config = toy_config(12, durations, head)
    with pytest.raises(IncompatibleModelError):
        TransducerSearch(ToyTransducer(durations=durations), config, GreedySearch())


class Watched(ToyTransducer):
    """A toy that keeps the states that it was given, with a copy, to see whether they change."""

    def __init__(self) -> None:
        super().__init__(ToySize(), (0, 1, 2))
        self.given: list[tuple[PredictorState, list[FloatArray]]] = []

    def predict(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        self.given.append((state, [array.copy() for array in state.arrays]))
        return super().predict(tokens, state)


def test_states_that_a_backend_was_given_or_has_returned_are_never_written_to() -> None:
    toy = Watched()
    search = TransducerSearch(toy, toy_config(12, (0, 1, 2)), GreedySearch())
    search(random_encoded(LENGTHS))
    assert len(toy.given) > 3
    for state, before in toy.given:
        for array, copy in zip(state.arrays, before, strict=True):
            np.testing.assert_array_equal(array, copy)


def test_threads_may_share_a_search() -> None:
    batches = [random_encoded(LENGTHS[: 4 + seed], seed=seed) for seed in range(8)]
    search, _ = make_search((0, 1, 2))
    alone = [search(encoded) for encoded in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(make_search((0, 1, 2))[0], batches))
    for one, other in zip(alone, together, strict=True):
        for a, b in zip(one, other, strict=True):
            assert_same(a, b)


def test_a_recorded_cell_is_an_item_and_a_frame() -> None:
    search, toy = make_search(())
    search(random_encoded([2, 2]))
    first: list[Cell] = toy.calls.joints[0]
    assert first[0] == (0, 0)
    assert first[-1][0] == 1
