"""Rewrites dynamically quantised graphs so that a row has the same numbers alone and in a batch.

`DynamicQuantizeLinear` takes one scale for a whole tensor, so what is in a batch, and how far a
search looks ahead, would change every item's numbers. Here each row (the last axis) gets its own
scale and zero point, as it has when it is computed alone:

    x ≈ s (q - z) by row,  x W ≈ s w (q Q - z colsum(Q)),  Q = quantised W minus its zero point

The correction is in whole numbers, hence exact.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from eclectus.backends.onnx import proto
from eclectus.backends.onnx.nodes import fill, node, tensor, values
from eclectus.backends.onnx.onnx_engine import engine

QUANTIZE = "DynamicQuantizeLinear"
QUANTIZED_LSTM = "DynamicQuantizeLSTM"
_LEVELS = 255.0
_SMALLEST = 1e-30
_AXES_ARE_INPUT = 18
_LSTM_WEIGHTS = ((1, 9), (2, 11))
_SHIFT = 128

_CONSTANTS = {
    "row.zero": np.float32(0),
    "row.levels": np.float32(_LEVELS),
    "row.smallest": np.float32(_SMALLEST),
    "row.axis": np.array([-1], np.int64),
    "row.no_zero": np.uint8(0),
}


def make_independent(graph: Any, opset: int, *, unsigned: bool) -> None:
    """Rewrite the quantised products of a graph in place; a graph without any stays as it is.

    Args:
        graph: Its weights are in the graph itself.
        opset: Version of the standard operators.
        unsigned: Turn signed 8-bit weights into unsigned ones, see `saturates`.
    """
    weights = {weight.name: weight for weight in graph.initializer}
    if unsigned:
        _make_unsigned(graph, weights)
    products = _known_products(graph, weights)
    if not products:
        return
    nodes = list(_rewritten(graph, opset, products, weights))
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensor(n, np.asarray(v)) for n, v in _CONSTANTS.items())


def _known_products(graph: Any, weights: dict[str, Any]) -> dict[str, Any]:
    """Products as the quantiser writes them, by output.

    A scale feeds products only, whose weights are known and whose only reader is a cast. If one
    reader of a scale is something else (a convolution), its products are left as they are.
    """
    readers: dict[str, list[Any]] = {}
    for reader in graph.node:
        for name in reader.input:
            readers.setdefault(name, []).append(reader)
    found: dict[str, Any] = {}
    for source in graph.node:
        if source.op_type == QUANTIZE:
            products = readers.get(source.output[0], [])
            if all(_is_known(product, readers, weights) for product in products):
                found.update((product.output[0], product) for product in products)
    return found


def _is_known(product: Any, readers: dict[str, list[Any]], weights: dict[str, Any]) -> bool:
    constants = [product.input[place] for place in (1, 3) if place < len(product.input)]
    after = readers.get(product.output[0], [])
    return (
        product.op_type == "MatMulInteger"
        and all(name in weights for name in constants)
        and all(reader.op_type == "Cast" for reader in after)
    )


def _rewritten(
    graph: Any, opset: int, products: dict[str, Any], weights: dict[str, Any]
) -> Iterator[Any]:
    scaled = {product.input[0] for product in products.values()}
    for old in graph.node:
        if old.op_type == QUANTIZE and old.output[0] in scaled:
            yield from _row_scales(old, opset)
        elif old.output[0] in products:
            yield from _shifted_product(old)
            sums = tensor(f"{old.output[0]}.sums", _column_sums(old, weights))
            graph.initializer.append(sums)
        else:
            yield old


def _shifted_product(old: Any) -> Iterator[Any]:
    """Nodes for the product without the rows' zero points, and for its correction."""
    name = old.output[0]
    raw = node("MatMulInteger", list(old.input), f"{name}.raw")
    raw.input[2] = "row.no_zero"
    yield raw
    yield node("Mul", (old.input[2], f"{name}.sums"), f"{name}.shift")
    yield node("Sub", (f"{name}.raw", f"{name}.shift"), name)


def _row_scales(old: Any, opset: int) -> Iterator[Any]:
    """Nodes for the definition of DynamicQuantizeLinear over the last axis, zero point int32."""
    (x,), (q, scale, zero) = old.input, old.output
    axes: dict[str, Any] = {} if opset >= _AXES_ARE_INPUT else {"axes": (-1,)}
    reduced = (x, "row.axis") if opset >= _AXES_ARE_INPUT else (x,)
    yield node("ReduceMin", reduced, f"{q}.min", keepdims=1, **axes)
    yield node("ReduceMax", reduced, f"{q}.max", keepdims=1, **axes)
    yield node("Min", (f"{q}.min", "row.zero"), f"{q}.low")
    yield node("Max", (f"{q}.max", "row.zero"), f"{q}.high")
    yield node("Sub", (f"{q}.high", f"{q}.low"), f"{q}.range")
    yield node("Div", (f"{q}.range", "row.levels"), f"{q}.step")
    yield node("Max", (f"{q}.step", "row.smallest"), scale)
    yield node("Div", (f"{q}.low", scale), f"{q}.down")
    yield node("Neg", (f"{q}.down",), f"{q}.up")
    yield node("Round", (f"{q}.up",), f"{q}.zero")
    yield node("Cast", (f"{q}.zero",), zero, to=proto.INT32)
    yield node("Div", (x, scale), f"{q}.scaled")
    yield node("Round", (f"{q}.scaled",), f"{q}.rounded")
    yield node("Add", (f"{q}.rounded", f"{q}.zero"), f"{q}.shifted")
    yield node("Clip", (f"{q}.shifted", "row.zero", "row.levels"), f"{q}.clipped")
    yield node("Cast", (f"{q}.clipped",), q, to=proto.UINT8)


def _column_sums(product: Any, weights: dict[str, Any]) -> Any:
    matrix = values(weights[product.input[1]]).astype(np.int32)
    zero = values(weights[product.input[3]]).astype(np.int32) if len(product.input) > 3 else 0
    return (matrix - zero).sum(axis=0, dtype=np.int32)


def _make_unsigned(graph: Any, weights: dict[str, Any]) -> None:
    """Add 128 to signed 8-bit weights and to their zero points: the same numbers."""
    done: set[str] = set()
    for reader in graph.node:
        for weight, zero in _weights_of(reader):
            if zero not in weights or weights[zero].data_type != proto.INT8:
                continue
            for name in {weight, zero} - done:
                shifted = values(weights[name]).view(np.uint8) ^ np.uint8(_SHIFT)
                fill(weights[name], shifted)
            done |= {weight, zero}


def _weights_of(reader: Any) -> Iterator[tuple[str, str]]:
    """Names of the 8-bit weights that a node multiplies with, and of their zero points."""
    places = {"MatMulInteger": ((1, 3),), QUANTIZED_LSTM: _LSTM_WEIGHTS}
    for weight, zero in places.get(reader.op_type, ()):
        if zero < len(reader.input):
            yield reader.input[weight], reader.input[zero]


@functools.cache
def saturates() -> bool:
    """Return whether the engine's products of unsigned by signed bytes are wrong on this CPU.

    Without VNNI, x86 sums pairs of such products in 16 bits with saturation, so large weights
    lose; products of unsigned bytes are exact everywhere. Asked by computing one.
    """
    model = proto.new("Model")
    model.ir_version = 8
    model.opset_import.add(domain="", version=13)
    graph = model.graph
    graph.name = "probe"
    for ports, name, kind in ((graph.input, "x", proto.UINT8), (graph.output, "y", proto.INT32)):
        port = ports.add(name=name)
        port.type.tensor_type.elem_type = kind
    graph.initializer.append(tensor("w", np.full((64, 32), 127, np.int8)))
    graph.node.append(node("MatMulInteger", ("x", "w"), "y"))
    session = engine().InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (result,) = session.run(None, {"x": np.full((1, 64), 255, np.uint8)})
    return int(result[0, 0]) != 255 * 127 * 64
