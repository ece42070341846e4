"""Makes nodes and weights of a graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from eclectus.backends.onnx import proto

_FLOAT, _INT, _INTS = 1, 2, 7
_DTYPES: Mapping[int, type[np.generic]] = {
    proto.FLOAT: np.float32,
    proto.UINT8: np.uint8,
    proto.INT8: np.int8,
    proto.INT32: np.int32,
    proto.INT64: np.int64,
    proto.FLOAT16: np.float16,
}
_KINDS = {np.dtype(dtype): kind for kind, dtype in _DTYPES.items()}

Value: TypeAlias = "int | float | Sequence[int]"


def node(kind: str, inputs: Sequence[str], output: str, /, **attributes: Value) -> Any:
    """Make a node with one output, which also gives it its name."""
    made = proto.new("Node")
    made.op_type = kind
    made.name = output
    made.input.extend(inputs)
    made.output.append(output)
    for name, value in attributes.items():
        attribute = made.attribute.add(name=name)
        if isinstance(value, int):
            attribute.i, attribute.type = value, _INT
        elif isinstance(value, float):
            attribute.f, attribute.type = value, _FLOAT
        else:
            attribute.ints.extend(value)
            attribute.type = _INTS
    return made


def tensor(name: str, array: NDArray[Any]) -> Any:
    """Make a weight."""
    made = proto.new("Tensor")
    made.name = name
    fill(made, array)
    return made


def fill(weight: Any, array: NDArray[Any]) -> None:
    """Give a weight new values, keeping its name."""
    del weight.dims[:], weight.int32_data[:], weight.float_data[:], weight.int64_data[:]
    weight.dims.extend(array.shape)
    weight.data_type = _KINDS[array.dtype]
    weight.raw_data = np.ascontiguousarray(array).tobytes()


def values(weight: Any) -> NDArray[Any]:
    """Return the values of a weight that is kept in its graph."""
    shape = tuple(weight.dims)
    dtype = _DTYPES[weight.data_type]
    if weight.raw_data or 0 in shape:
        return np.frombuffer(weight.raw_data, dtype).reshape(shape)
    if weight.data_type == proto.FLOAT:
        return np.array(weight.float_data, dtype).reshape(shape)
    if weight.data_type == proto.INT64:
        return np.array(weight.int64_data, dtype).reshape(shape)
    return np.array(weight.int32_data).astype(dtype).reshape(shape)
