"""Frames, mel frames, samples and seconds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.timebase import TimeBase

BASE = TimeBase()


def test_parakeet_has_a_frame_every_eighty_milliseconds() -> None:
    assert BASE.samples_per_frame == 1280
    assert BASE.frame_s == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("mel_frames", "frames"), [(0, 0), (1, 1), (8, 1), (9, 2), (1000, 125), (321, 41)]
)
def test_lengths_follow_nemo(mel_frames: int, frames: int) -> None:
    assert BASE.encoder_frames(mel_frames) == frames


@given(st.integers(0, 10_000_000))
def test_a_frame_starts_at_its_own_sample(frame: int) -> None:
    assert BASE.frame_at(BASE.sample_of(frame)) == frame
    assert BASE.whole_frames(BASE.seconds(frame)) == frame
