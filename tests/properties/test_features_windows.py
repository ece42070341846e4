"""Features of windows that overlap equal those of each window by itself, to the bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.types import FloatArray
from eclectus.signal.logmel import LogMel
from eclectus.signal.logmel_windows import LogMelWindows
from eclectus.signal.melframes import MelFrames
from tests.support.media import voice

_SIGNAL = voice(6.0)
_FRAME = 1280
"""Windows begin at encoder frames."""


def computed(windows: LogMelWindows, samples: FloatArray, start: int) -> FloatArray:
    out = np.empty((windows.mel_bins, len(samples) // 160), np.float32)
    windows.columns(samples, start, out)
    return out


windows = st.tuples(st.integers(0, 60), st.integers(0, 50_000), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(windows, min_size=1, max_size=12), st.sampled_from([80, 128]))
def test_windows_in_any_order_have_the_features_that_each_has_alone(
    asked: list[tuple[int, int, bool]], bins: int
) -> None:
    together = LogMelWindows(MelFrames(bins))
    alone = LogMel(bins)
    for frame, length, forgets in asked:
        start = frame * _FRAME
        samples = _SIGNAL[start : start + length]
        expected = alone([samples])
        columns = computed(together, samples, start)
        np.testing.assert_array_equal(columns, expected.data[0, :, : expected.lengths[0]])
        if forgets:
            together.forget(start)


@given(st.integers(0, 2000))
@settings(max_examples=20, deadline=None)
def test_windows_may_begin_anywhere(start: int) -> None:
    together = LogMelWindows(MelFrames(80))
    for place in (0, start):
        samples = _SIGNAL[place : place + 16_000]
        expected = LogMel(80)([samples]).data[0]
        np.testing.assert_array_equal(computed(together, samples, place), expected)


def test_what_windows_share_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    columns = MelFrames.columns

    def counting(
        self: MelFrames, samples: FloatArray, origin: int, first: int, out: FloatArray
    ) -> None:
        nonlocal count
        count += out.shape[1]
        columns(self, samples, origin, first, out)

    monkeypatch.setattr(MelFrames, "columns", counting)
    together = LogMelWindows(MelFrames(80))
    for stop in range(16_000, 80_000, 3840):
        computed(together, _SIGNAL[:stop], 0)
    assert count < 2 * 80_000 // 160


def test_memory_does_not_grow_with_the_signal() -> None:
    together = LogMelWindows(MelFrames(80))
    samples = np.zeros(3 * 16_000, np.float32)
    for start in range(0, 600 * _FRAME, 25 * _FRAME):
        computed(together, samples, start)
        together.forget(start)
    assert together._kept.shape[1] < 800
