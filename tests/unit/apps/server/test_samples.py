import struct

import numpy as np
import pytest

from eclectus.apps.server.common.samples import Encoding, SampleReader

HALF = {
    Encoding.PCM8: bytes([128, 192, 64]),
    Encoding.PCM16: struct.pack("<3h", 0, 16_384, -16_384),
    Encoding.PCM24: b"\0\0\0" + b"\0\0\x40" + b"\0\0\xc0",
    Encoding.PCM32: struct.pack("<3i", 0, 2**30, -(2**30)),
    Encoding.FLOAT32: struct.pack("<3f", 0, 0.5, -0.5),
}


@pytest.mark.parametrize("encoding", HALF)
def test_every_encoding_says_the_same(encoding: Encoding) -> None:
    read = SampleReader(encoding).read_mono(HALF[encoding])
    assert read.dtype == np.float32
    assert read.tolist() == [0.0, 0.5, -0.5]


@pytest.mark.parametrize("encoding", HALF)
@pytest.mark.parametrize("channels", [1, 2])
def test_pieces_of_any_size_are_the_same_samples(encoding: Encoding, channels: int) -> None:
    data = HALF[encoding] * 4
    whole = SampleReader(encoding, channels).read(data)
    assert whole.shape == (12 // channels, channels)
    reader = SampleReader(encoding, channels)
    single = [reader.read(data[at : at + 1]) for at in range(len(data))]
    assert np.array_equal(np.concatenate(single), whole)


def test_channels_are_mixed_in_equal_parts() -> None:
    data = struct.pack("<4h", 16_384, 0, -16_384, -16_384)
    assert SampleReader(Encoding.PCM16, 2).read_mono(data).tolist() == [0.25, -0.5]


def test_half_a_sample_can_be_forgotten() -> None:
    reader = SampleReader(Encoding.PCM16)
    assert len(reader.read_mono(b"\x01")) == 0
    reader.forget()
    assert reader.read_mono(struct.pack("<h", 16_384)).tolist() == [0.5]


def test_floats_that_are_no_levels_become_levels() -> None:
    strange = struct.pack("<4f", float("nan"), float("inf"), float("-inf"), 3e38)
    assert SampleReader(Encoding.FLOAT32).read_mono(strange).tolist() == [0.0, 1.0, -1.0, 1.0]
