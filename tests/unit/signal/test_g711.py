import numpy as np
import pytest

from eclectus.signal.g711 import decode_alaw, decode_ulaw

# Values of the tables 2a and 1a of ITU-T G.711, scaled to 16 bits.
ULAW = {0xFF: 0, 0x7F: 0, 0x80: 32_124, 0x00: -32_124, 0xFE: 8, 0x7E: -8, 0xEF: 132, 0x6F: -132}
ALAW = {0xD5: 8, 0x55: -8, 0xAA: 32_256, 0x2A: -32_256, 0xC5: 264, 0x45: -264, 0xF5: 528}


@pytest.mark.parametrize(("code", "level"), ULAW.items())
def test_mu_law_is_that_of_the_recommendation(code: int, level: int) -> None:
    assert decode_ulaw(bytes([code])) * 32_768 == level


@pytest.mark.parametrize(("code", "level"), ALAW.items())
def test_a_law_is_that_of_the_recommendation(code: int, level: int) -> None:
    assert decode_alaw(bytes([code])) * 32_768 == level


def test_all_codes_have_their_own_level_and_are_symmetric() -> None:
    codes = bytes(range(256))
    for levels, different in ((decode_ulaw(codes), 255), (decode_alaw(codes), 256)):
        assert levels.dtype == np.float32
        assert len(np.unique(levels)) == different
        assert np.array_equal(np.sort(levels), np.sort(-levels))
        assert np.abs(levels).max() < 1


def test_nothing_decodes_to_nothing() -> None:
    assert len(decode_ulaw(b"")) == len(decode_alaw(b"")) == 0
