"""G.711 bytes to samples."""

import io

import numpy as np
import pytest
import soundfile as sf

from eclectus.core.types import FloatArray
from eclectus.signal.g711 import decode_alaw, decode_ulaw

EVERY = bytes(range(256))


def by_libsndfile(data: bytes, law: str) -> FloatArray:
    samples, _ = sf.read(
        io.BytesIO(data), dtype="float32", samplerate=8000, channels=1, format="RAW", subtype=law
    )
    return np.asarray(samples, np.float32)


def test_every_byte_is_what_another_decoder_says() -> None:
    np.testing.assert_array_equal(decode_ulaw(EVERY), by_libsndfile(EVERY, "ULAW"))
    np.testing.assert_array_equal(decode_alaw(EVERY), by_libsndfile(EVERY, "ALAW"))


def test_the_edges_are_those_of_the_recommendation() -> None:
    # Table 2a and 1a, decoder output value numbers 128 and 1, at 16 bits.
    assert decode_ulaw(b"\x80\x00\xff\x7f").tolist() == [32124 / 32768, -32124 / 32768, 0, 0]
    assert decode_alaw(b"\xaa\x2a\xd5\x55").tolist() == [
        *(32256 / 32768, -32256 / 32768),
        *(8 / 32768, -8 / 32768),
    ]


@pytest.mark.parametrize("decode", [decode_ulaw, decode_alaw])
def test_nothing_gives_nothing_and_samples_are_float32(decode: object) -> None:
    assert callable(decode)
    assert len(decode(b"")) == 0
    assert decode(EVERY).dtype == np.float32
    assert decode(EVERY).shape == (256,)
