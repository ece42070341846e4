"""Limits on how much audio a source may become."""

from __future__ import annotations

import pytest

from eclectus.core.errors import AudioTooLongError
from eclectus.core.options import AudioOptions
from eclectus.signal.limits import EXPANSION_FLOOR_S, DurationGuard


def test_a_promise_over_the_limit_is_refused_with_both_numbers() -> None:
    guard = DurationGuard(AudioOptions(max_duration_s=60.0), "x.wav", 1_000)
    guard.promise(None)
    guard.promise(60.0)
    with pytest.raises(AudioTooLongError, match=r"x\.wav is 61\.0 s .* 60 s") as caught:
        guard.promise(61.0)
    assert caught.value.context == {"limit_s": 60.0, "duration_s": 61.0}


def test_decoded_seconds_add_up_to_the_limit() -> None:
    guard = DurationGuard(AudioOptions(max_duration_s=60.0), "x.wav", 10**6)
    guard.count(30.0)
    guard.count(30.0)
    with pytest.raises(AudioTooLongError):
        guard.count(0.1)


def test_expansion_is_not_looked_at_below_ten_minutes() -> None:
    guard = DurationGuard(AudioOptions(max_expansion=1.0), "x.flac", 1)
    guard.count(EXPANSION_FLOOR_S)
    with pytest.raises(AudioTooLongError, match="1 bytes"):
        guard.count(0.1)


def test_expansion_counts_against_the_whole_input() -> None:
    guard = DurationGuard(AudioOptions(max_expansion=2.0), "x.flac", 1_000_000)
    guard.count(2_000.0)
    with pytest.raises(AudioTooLongError):
        guard.count(0.1)


def test_without_limits_anything_goes() -> None:
    guard = DurationGuard(AudioOptions(max_duration_s=None, max_expansion=None), "x", 1)
    guard.promise(1e9)
    guard.count(1e9)


def test_samples_in_memory_have_no_expansion() -> None:
    guard = DurationGuard(AudioOptions(max_duration_s=None), "the array", None)
    guard.count(1e9)
