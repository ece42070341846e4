"""The part of the ONNX file format that the rewriting of graphs needs, as protobuf messages.

onnxruntime depends on protobuf, not on the `onnx` package, so the messages are declared here, from
the field numbers of onnx.proto (ONNX IR specification). What is not declared is kept as unknown
fields and written out again.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

FLOAT, UINT8, INT8, INT32, INT64, FLOAT16 = 1, 2, 3, 6, 7, 10
"""Element types (TensorProto.DataType)."""

_PACKAGE = "eclectus_onnx"
_SCALARS = {"float": 2, "int64": 3, "int32": 5, "string": 9, "bytes": 12}
_REPEATED, _OPTIONAL, _MESSAGE = 3, 1, 11

# name: {field: (number, type, repeated)}; a type that is not a scalar is a message.
_Fields = Mapping[str, tuple[int, str, bool]]
_MESSAGES: Mapping[str, _Fields] = {
    "Entry": {"key": (1, "string", False), "value": (2, "string", False)},
    "Opset": {"domain": (1, "string", False), "version": (2, "int64", False)},
    "Tensor": {
        "dims": (1, "int64", True),
        "data_type": (2, "int32", False),
        "float_data": (4, "float", True),
        "int32_data": (5, "int32", True),
        "int64_data": (7, "int64", True),
        "name": (8, "string", False),
        "raw_data": (9, "bytes", False),
        "external_data": (13, "Entry", True),
        "data_location": (14, "int32", False),
    },
    "Attribute": {
        "name": (1, "string", False),
        "f": (2, "float", False),
        "i": (3, "int64", False),
        "s": (4, "bytes", False),
        "t": (5, "Tensor", False),
        "g": (6, "Graph", False),
        "floats": (7, "float", True),
        "ints": (8, "int64", True),
        "type": (20, "int32", False),
    },
    "Node": {
        "input": (1, "string", True),
        "output": (2, "string", True),
        "name": (3, "string", False),
        "op_type": (4, "string", False),
        "attribute": (5, "Attribute", True),
        "domain": (7, "string", False),
    },
    "Dim": {"dim_value": (1, "int64", False), "dim_param": (2, "string", False)},
    "Shape": {"dim": (1, "Dim", True)},
    "TensorType": {"elem_type": (1, "int32", False), "shape": (2, "Shape", False)},
    "Type": {"tensor_type": (1, "TensorType", False)},
    "Port": {"name": (1, "string", False), "type": (2, "Type", False)},
    "Graph": {
        "node": (1, "Node", True),
        "name": (2, "string", False),
        "initializer": (5, "Tensor", True),
        "input": (11, "Port", True),
        "output": (12, "Port", True),
        "value_info": (13, "Port", True),
    },
    "Model": {
        "ir_version": (1, "int64", False),
        "graph": (7, "Graph", False),
        "opset_import": (8, "Opset", True),
        "metadata_props": (14, "Entry", True),
    },
}


@functools.cache
def _classes() -> Mapping[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(
        name="eclectus_onnx.proto", package=_PACKAGE, syntax="proto2"
    )
    for name, members in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in members.items():
            entry = message.field.add(
                name=field,
                number=number,
                label=_REPEATED if repeated else _OPTIONAL,
                type=_SCALARS.get(kind, _MESSAGE),
            )
            if kind not in _SCALARS:
                entry.type_name = f".{_PACKAGE}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in _MESSAGES
    }


def new(name: str) -> Any:
    """Return an empty message of the given name."""
    return _classes()[name]()


def parse_model(data: bytes) -> Any:
    """Parse a model.

    Raises:
        ValueError: The bytes are not a model.
    """
    from google.protobuf.message import DecodeError

    model = new("Model")
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(str(error)) from error
    return model
