"""What an ONNX file is, read from its outside: no weights loaded, no engine needed."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from eclectus.core.errors import ModelFilesError
from eclectus.core.regular_files import is_file_name, open_regular
from eclectus.networks.protobuf_wire import WireError, fields, signed, submessage, text

Shape: TypeAlias = "tuple[int | str | None, ...]"

# Field numbers of onnx.proto (ModelProto, GraphProto, ValueInfoProto, TypeProto, TensorProto).
_GRAPH, _METADATA = 7, 14
_INITIALIZER, _INPUT, _OUTPUT = 5, 11, 12
_NAME, _TYPE = 1, 2
_TENSOR_TYPE, _SHAPE = 1, 2
_DIM_VALUE, _DIM_PARAM = 1, 2
_KEY, _VALUE = 1, 2
_EXTERNAL_DATA = 13


@dataclass(frozen=True, slots=True)
class GraphFacts:
    """The outside of one graph.

    Attributes:
        inputs: Shape of each input by name, in order; a dimension is a number, the name of a free
            one, or None.
        outputs: The same for the outputs.
        metadata: Free-form facts that the exporter wrote.
        external_bytes: The files beside it that hold weights, by name; each must have so many
            bytes at least.
    """

    inputs: Mapping[str, Shape]
    outputs: Mapping[str, Shape]
    metadata: Mapping[str, str]
    external_bytes: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Found:
    """What has been read so far."""

    inputs: dict[str, Shape] = field(default_factory=dict)
    outputs: dict[str, Shape] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    external: dict[str, int] = field(default_factory=dict)
    has_graph: bool = False


def describe(path: Path) -> GraphFacts:
    """Read the outside of an ONNX file.

    The file is mapped, not read, and the weights are skipped: a 650 MB file takes milliseconds.

    Raises:
        ModelFilesError: The file is missing, empty, truncated or not ONNX.
    """
    try:
        with open_regular(path) as file:
            # Not closed by hand: views of it may live on in a traceback.
            return _describe(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except WireError as error:
        raise ModelFilesError(
            f"{path} is truncated or is not an ONNX model ({error}). Fetch it again.",
            path=str(path),
        ) from error
    except (OSError, ValueError) as error:  # mmap raises ValueError for an empty file
        raise ModelFilesError(
            f"{path} can't be read as an ONNX model ({error}). Check the path, or fetch it again.",
            path=str(path),
        ) from error


def _describe(data: mmap.mmap) -> GraphFacts:
    found = _Found()
    _read_model(memoryview(data), found)
    if not found.has_graph:
        raise WireError("it holds no graph")
    return GraphFacts(found.inputs, found.outputs, found.metadata, found.external)


def _read_model(model: memoryview, found: _Found) -> None:
    for number, value in fields(model):
        if number == _GRAPH:
            _read_graph(submessage(value), found)
            found.has_graph = True
        elif number == _METADATA:
            key, content = _entry(submessage(value))
            found.metadata[key] = content


def _read_graph(graph: memoryview, found: _Found) -> None:
    for number, value in fields(graph):
        if number == _INITIALIZER:
            _read_initializer(submessage(value), found)
        elif number in (_INPUT, _OUTPUT):
            ports = found.inputs if number == _INPUT else found.outputs
            name, shape = _port(submessage(value))
            ports[name] = shape


def _read_initializer(tensor: memoryview, found: _Found) -> None:
    places = [submessage(value) for number, value in fields(tensor) if number == _EXTERNAL_DATA]
    if not places:
        return
    entries = dict(_entry(place) for place in places)
    name = entries.get("location", "").removeprefix("./")
    if not name:
        raise WireError("external data without a file name")
    if not is_file_name(name):
        raise WireError(f"external data outside of the model's folder: {name[:80]!r}")
    end = _integer(entries.get("offset", "0")) + _integer(entries.get("length", "0"))
    found.external[name] = max(found.external.get(name, 0), end)


def _integer(digits: str) -> int:
    if not digits.isdecimal():
        raise WireError(f"external data at {digits!r}")
    return int(digits)


def _entry(message: memoryview) -> tuple[str, str]:
    pair = {number: text(value) for number, value in fields(message)}
    return pair.get(_KEY, ""), pair.get(_VALUE, "")


def _port(message: memoryview) -> tuple[str, Shape]:
    name = ""
    shape: Shape = ()
    for number, value in fields(message):
        if number == _NAME:
            name = text(value)
        elif number == _TYPE:
            shape = _shape(submessage(value))
    return name, shape


def _shape(type_message: memoryview) -> Shape:
    dims: list[int | str | None] = []
    for number, tensor in fields(type_message):
        if number != _TENSOR_TYPE:
            continue
        for key, shape in fields(submessage(tensor)):
            if key == _SHAPE:
                dims.extend(_dim(submessage(dim)) for tag, dim in fields(submessage(shape)))
    return tuple(dims)


def _dim(message: memoryview) -> int | str | None:
    for number, value in fields(message):
        if number == _DIM_VALUE and isinstance(value, int):
            return signed(value)
        if number == _DIM_PARAM:
            return text(value)
    return None
