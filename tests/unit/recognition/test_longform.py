"""Dividing a source into windows as its samples arrive."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.choices import WindowPlan
from eclectus.core.errors import OptionError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import LongFormOptions
from eclectus.core.types import FloatArray
from eclectus.recognition.longform import Piece, Plan, cut_windows, make_plan

FRAME = 1280
CONFIG = ModelConfig("toy", Head.TDT, 80, 10, (0, 1))


def ramp(count: int) -> FloatArray:
    return np.arange(count, dtype=np.float32)


def blocks_of(samples: FloatArray, sizes: list[int]) -> list[FloatArray]:
    edges = np.cumsum([0, *sizes])
    blocks = [samples[a:b] for a, b in itertools.pairwise(edges)]
    blocks.append(samples[edges[-1] :])
    return [block for block in blocks if len(block)]


def cut(count: int, plan: Plan, block: int = 5000) -> list[Piece]:
    samples = ramp(count)
    return list(cut_windows(blocks_of(samples, [block] * (count // block)), plan, FRAME))


def check(pieces: list[Piece], count: int) -> None:
    assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    for piece in pieces:
        window = piece.window
        assert window.start % FRAME == 0
        assert window.start <= window.keep_from <= window.keep_to <= window.stop
        assert piece.samples.tolist() == list(range(window.start, window.stop))
    assert pieces[0].window.keep_from == 0
    assert pieces[-1].window.keep_to == count
    for left, right in itertools.pairwise(pieces):
        assert left.window.keep_to == right.window.keep_from
        assert right.window.start <= left.window.stop < right.window.stop


@given(
    st.integers(0, 30 * FRAME),
    st.lists(st.integers(1, 4 * FRAME), max_size=12),
    st.sampled_from([(8, 0), (8, 1), (8, 4), (2, 1)]),
)
def test_windows_cover_every_sample_for_any_chunking(
    count: int, sizes: list[int], lengths: tuple[int, int]
) -> None:
    plan = Plan(lengths[0] * FRAME, lengths[1] * FRAME, pauses=False)
    samples = ramp(count)
    pieces = list(cut_windows(blocks_of(samples, sizes), plan, FRAME))
    check(pieces, count)
    assert [p.window for p in pieces] == [p.window for p in cut(count, plan)]


def test_audio_of_one_window_is_one_window() -> None:
    plan = Plan(8 * FRAME, 2 * FRAME, pauses=False)
    (piece,) = cut(8 * FRAME, plan)
    assert (piece.window.start, piece.window.stop) == (0, 8 * FRAME)


def test_a_rest_of_a_few_samples_joins_the_last_window() -> None:
    plan = Plan(8 * FRAME, 0, pauses=False)
    pieces = cut(8 * FRAME + 50, plan)
    assert [piece.window.stop for piece in pieces] == [8 * FRAME + 50]


def test_an_empty_source_has_one_empty_window() -> None:
    (piece,) = cut(0, Plan(8 * FRAME, 0, pauses=False))
    assert len(piece.samples) == 0
    assert piece.last


def test_a_plan_with_pauses_divides_in_the_pause_without_overlap() -> None:
    plan = Plan(8 * FRAME, 2 * FRAME, pauses=True)
    pieces = list(cut_windows([ramp(14 * FRAME)], plan, FRAME, lambda _: 6 * FRAME + 77))
    check(pieces, 14 * FRAME)
    assert [(p.window.start // FRAME, p.window.stop // FRAME) for p in pieces] == [
        (0, 6),
        (6, 14),
    ]


def test_a_plan_with_pauses_overlaps_where_nobody_pauses() -> None:
    plan = Plan(8 * FRAME, 2 * FRAME, pauses=True)
    pieces = list(cut_windows([ramp(14 * FRAME)], plan, FRAME, lambda _: None))
    assert pieces[1].window.start == 6 * FRAME
    assert pieces[0].window.stop == 8 * FRAME


def test_seconds_become_whole_frames() -> None:
    plan = make_plan(LongFormOptions(window_s=10.0, overlap_s=1.0), CONFIG)
    assert (plan.window, plan.overlap) == (125 * FRAME, 12 * FRAME)
    assert not plan.pauses
    assert make_plan(LongFormOptions(plan=WindowPlan.PAUSES), CONFIG).pauses


def test_a_window_is_no_longer_than_the_encoder_takes() -> None:
    config = ModelConfig("toy", Head.TDT, 80, 10, (0, 1), max_window_s=20.0)
    plan = make_plan(LongFormOptions(window_s=60.0, overlap_s=2.0), config)
    assert plan.window + FRAME <= 20 * 16_000


@pytest.mark.parametrize(("window", "overlap"), [(0.0, 0.0), (10.0, -1.0), (10.0, 6.0)])
def test_impossible_lengths_are_refused(window: float, overlap: float) -> None:
    with pytest.raises(OptionError, match="overlap"):
        make_plan(LongFormOptions(window_s=window, overlap_s=overlap), CONFIG)
