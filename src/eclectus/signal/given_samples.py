"""Samples and rates as callers give them: taken correctly, or refused by name."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eclectus.core.errors import OptionError

LOWEST_RATE_HZ = 1_000
HIGHEST_RATE_HZ = 1_000_000
_DTYPES = ("float16", "float32", "float64", "int8", "int16", "int32", "uint8")


def is_array(value: object) -> bool:
    """Return whether a value holds samples: a NumPy array or a tensor of another library."""
    return isinstance(value, np.ndarray) or hasattr(value, "__array__")


def given_array(value: object) -> NDArray[Any]:
    """Return samples as a NumPy array of a type that audio can have.

    Args:
        value: An array, an object with `__array__` (a tensor on the CPU), or a list of numbers:
            float16, float32, float64 (full scale 1), int8, int16, int32 or uint8 (their own full
            scale; uint8 is silent at 128).

    Raises:
        OptionError: It is something else.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        raise OptionError(
            "raw bytes are no samples; numpy.frombuffer(block, numpy.int16) makes them samples"
        )
    if not is_array(value) and not isinstance(value, list | tuple):
        raise OptionError(f"samples can be an array of numbers, not {type(value).__name__}")
    try:
        samples = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:  # ragged lists, tensors of a GPU
        raise OptionError(f"{type(value).__name__} is no array of samples: {error}") from error
    if samples.size == 0 and not is_array(value):
        return samples.astype(np.float32)
    if samples.dtype.name not in _DTYPES:
        raise OptionError(
            f"samples of type {samples.dtype} are not audio; use one of {', '.join(_DTYPES)}"
        )
    return samples


def given_rate(value: object) -> int:
    """Return a sample rate in Hz.

    Raises:
        OptionError: It is no whole number, or none that audio has.
    """
    try:
        rate = int(value) if isinstance(value, float) and value.is_integer() else index(value)  # type: ignore[arg-type] # that is what is tried
    except TypeError as error:
        raise _no_rate(value) from error
    if isinstance(value, bool) or not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise _no_rate(value)
    return rate


def _no_rate(value: object) -> OptionError:
    return OptionError(
        f"a sample rate of {value!r} is impossible; use a whole number from {LOWEST_RATE_HZ} to "
        f"{HIGHEST_RATE_HZ} Hz",
        sample_rate=value,
    )
