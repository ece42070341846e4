"""Features against NeMo's own numbers (made by make_golden.py)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from eclectus.signal.logmel import LogMel
from tests.support.golden_signals import clip

_FIXTURE = Path(__file__).parent / "fixtures" / "features.npz"
_SAMPLES = 17_723

# Single precision: NeMo and we sum the same terms in another order; the log of near-silent bins
# magnifies that. The product promises 1e-4.
_TOLERANCE = 1e-4


@pytest.mark.parametrize("mel_bins", [80, 128])
def test_features_equal_nemo_s(mel_bins: int) -> None:
    with np.load(_FIXTURE) as arrays:
        expected = arrays[f"mel{mel_bins}"]
    features = LogMel(mel_bins)([clip("long")[:_SAMPLES]])
    assert features.lengths.tolist() == [expected.shape[1]] == [_SAMPLES // 160]
    actual = features.data[0, :, : expected.shape[1]]
    assert np.abs(actual - expected).max() < _TOLERANCE


def test_a_longer_neighbour_in_the_batch_changes_nothing() -> None:
    with np.load(_FIXTURE) as arrays:
        expected = arrays["mel80"]
    features = LogMel(80)([clip("middle"), clip("long")[:_SAMPLES]])
    actual = features.data[1]
    assert np.abs(actual[:, : expected.shape[1]] - expected).max() < _TOLERANCE
    assert not actual[:, expected.shape[1] :].any()
