"""Samples and rates as callers give them."""

import io
from pathlib import Path

import numpy as np
import pytest

from eclectus.core.errors import OptionError
from eclectus.core.types import FloatArray
from eclectus.signal.decode import open_audio
from eclectus.signal.given_samples import given_array, given_rate
from tests.support.clips import DATA


class Tensor:
    """What a tensor of another library is to NumPy."""

    def __init__(self, values: FloatArray) -> None:
        self._values = values

    def __array__(self, dtype: object = None, copy: bool | None = None) -> FloatArray:
        return self._values


class OfAnotherDevice:
    def __array__(self, dtype: object = None, copy: bool | None = None) -> FloatArray:
        raise TypeError("can't convert a tensor of a GPU")


RAMP = np.linspace(-1, 1, 1600, dtype=np.float32)


@pytest.mark.parametrize("given", [RAMP, Tensor(RAMP), RAMP.tolist(), tuple(RAMP.tolist())])
def test_arrays_tensors_and_lists_are_samples(given: object) -> None:
    assert np.array_equal(given_array(given), RAMP)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"\0\0", "frombuffer"),
        (bytearray(4), "frombuffer"),
        ("speech.wav", "not str"),
        (None, "not NoneType"),
        (5, "not int"),
        ([[1.0], [1.0, 2.0]], "no array"),
        (OfAnotherDevice(), "GPU"),
        (np.zeros(4, bool), "bool are not audio"),
        (np.zeros(4, complex), "complex128 are not audio"),
        (np.zeros(4, np.int64), "int64 are not audio"),
        (np.array(["a"]), "are not audio"),
        (["a"], "are not audio"),
    ],
)
def test_what_is_no_audio_is_refused_by_name(given: object, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        given_array(given)


@pytest.mark.parametrize("rate", [1_000, 16_000, 16_000.0, np.int32(48_000), 1_000_000])
def test_a_rate_is_a_whole_number(rate: float) -> None:
    assert given_rate(rate) == rate
    assert type(given_rate(rate)) is int


@pytest.mark.parametrize(
    "rate", ["16000", 0, -16_000, 999, 1_000_001, 16_000.5, float("nan"), float("inf"), True, b"1"]
)
def test_an_impossible_rate_is_refused_by_name(rate: object) -> None:
    with pytest.raises(OptionError, match=r"a sample rate of .* is impossible"):
        given_rate(rate)
    with pytest.raises(OptionError, match=r"a sample rate of .* is impossible"):
        open_audio(RAMP, sample_rate=rate)  # type: ignore[arg-type]  # that is what is tested


def test_a_tensor_is_read_as_its_array() -> None:
    with open_audio(Tensor(RAMP), sample_rate=16_000) as stream:  # type: ignore[arg-type]  # as any
        assert np.array_equal(np.concatenate(list(stream)), RAMP)


@pytest.mark.parametrize("kind", ["disk", "memory"])
def test_a_closed_file_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.flac"
    path.write_bytes((DATA / "garden.flac").read_bytes())
    handle = path.open("rb") if kind == "disk" else io.BytesIO(path.read_bytes())
    handle.close()
    with pytest.raises(OptionError, match="is closed; open it again"):
        open_audio(handle)
