"""Reads the wire format of protocol buffers without a library and without copying weights.

Only what a look at an ONNX file needs: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

Field: TypeAlias = tuple[int, "int | memoryview"]

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SIZES: Mapping[int, int] = {_FIXED64: 8, _FIXED32: 4}
_LONGEST_VARINT = 10


class WireError(ValueError):
    """The bytes are not a message, or end before they should."""


def fields(message: memoryview) -> Iterator[Field]:
    """Walk over the fields of one message.

    Args:
        message: Bytes of the message; fields of type bytes are views of it.

    Yields:
        Number and value of each field, an int for numbers of any width.

    Raises:
        WireError: The message is broken.
    """
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            value, position = _varint(message, position)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, position = _varint(message, position)
        elif kind in _SIZES:
            size = _SIZES[kind]
        else:
            raise WireError(f"unknown wire type {kind}")
        if position + size > end:
            raise WireError(f"a field of {size} bytes ends past the end")
        value_bytes = message[position : position + size]
        position += size
        yield key >> 3, value_bytes if kind == _BYTES else int.from_bytes(value_bytes, "little")


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if position >= len(message):
            break
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:
            return value, position
    raise WireError("a number does not end")


def submessage(value: int | memoryview) -> memoryview:
    """Return a field that must be of type bytes.

    Raises:
        WireError: It is a number.
    """
    if isinstance(value, int):
        raise WireError("a number stands where a message should")
    return value


def text(value: int | memoryview) -> str:
    """Return a field that must be a string.

    Raises:
        WireError: It is a number or not UTF-8.
    """
    try:
        return bytes(submessage(value)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError("a name is not UTF-8") from error


def signed(value: int) -> int:
    """Return the signed 64-bit number that a varint encodes."""
    return value - (1 << 64) if value >= 1 << 63 else value
