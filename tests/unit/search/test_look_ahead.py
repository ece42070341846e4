"""Blocks of frames for the joint."""

from __future__ import annotations

import numpy as np

from eclectus.search.lanes import Lane
from eclectus.search.look_ahead import FrameGrid, block_width
from eclectus.search.paths import Path


def lane(row: int, at: int, stop: int, stride: int = 1) -> Lane:
    return Lane(0, row, row, at, stop, 0, False, Path(), stride)


def test_a_block_follows_each_item_s_own_place_and_stride() -> None:
    projected = np.arange(24, dtype=np.float32).reshape(2, 12, 1)
    block = FrameGrid(projected).block([lane(0, 3, 12, 2), lane(1, 0, 12, 4)], 3)
    assert block[..., 0].tolist() == [[3, 5, 7], [12, 16, 20]]


def test_the_room_counts_the_frames_that_the_stride_reaches() -> None:
    assert lane(0, 0, 9).room() == 9
    assert lane(0, 0, 9, 4).room() == 3
    assert lane(0, 1, 9, 4).room() == 2
    assert lane(0, 8, 9, 4).room() == 1


def test_width_doubles_while_only_blanks_come() -> None:
    assert [block_width(1, calls, 100, 1) for calls in range(5)] == [1, 2, 4, 8, 8]
    assert [block_width(4, calls, 100, 1) for calls in range(4)] == [1, 2, 2, 2]
    assert [block_width(16, calls, 100, 4) for calls in range(3)] == [1, 1, 1]


def test_a_token_that_moves_a_lane_ends_the_count_at_its_frame() -> None:
    one = lane(0, 5, 9)
    for _ in range(2):
        one.emit(7, 0, 3)
    assert (one.at, one.emitted) == (5, 2)
    one.emit(7, 0, 3)
    assert (one.at, one.emitted) == (6, 0)
    one.emit(7, 2, 1)
    assert (one.at, one.emitted) == (8, 0)
    assert one.active
    one.pass_blank(4)
    assert (one.at, one.stride, one.active) == (12, 4, False)
