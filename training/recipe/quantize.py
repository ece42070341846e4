"""Writes the int8 form of exported graphs: their large weights as int8, widened when they load.

Each column of a matrix has its own scale, so rounding is all that is lost, and what is computed
is float32: activations are not quantised, a batch changes no item's numbers, and no sum can
overflow on any CPU. A model of this size is bound by the number of its operators, not by its
products; quantised ones would not make it faster, only less accurate.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from recipe.export import DECODER, ENCODER

SMALLEST = 2_000
"""Values of a weight from which it is worth a node."""
OUTPUTS = {"MatMul": -1, "Gather": -1, "LSTM": 1, "Conv": 0}
"""Along which axis a kind of weight gets one scale each; weights of other operators are kept."""


def quantize(source: Path, target: Path) -> None:
    """Writes a graph with weights of 8 bits."""
    model = onnx.load(str(source))
    graph = model.graph
    axes = _axes(graph)
    nodes, weights = [], []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.name not in axes or values.size < SMALLEST:
            weights.append(weight)
            continue
        axis = axes[weight.name] % values.ndim
        whole, scale = round_to_int8(values, axis)
        small, wide, scales = (f"{weight.name}.{part}" for part in ("int8", "wide", "scale"))
        weights += map(numpy_helper.from_array, (whole, scale), (small, scales))
        # An engine computes these two once, when it loads the graph; DequantizeLinear it keeps.
        nodes.append(helper.make_node("Cast", [small], [wide], to=onnx.TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [wide, scales], [weight.name]))
    nodes.extend(graph.node)
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(weights)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def _axes(graph: onnx.GraphProto) -> dict[str, int]:
    """The axis of the outputs of each weight that can be quantised."""
    floats = {w.name for w in graph.initializer if w.data_type == onnx.TensorProto.FLOAT}
    return {
        name: OUTPUTS[node.op_type]
        for node in graph.node
        if node.op_type in OUTPUTS
        for name in node.input
        if name in floats
    }


def round_to_int8(
    values: NDArray[np.float32], axis: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Returns whole numbers -127 … 127 and the scale of each index of an axis, by broadcasting."""
    others = tuple(place for place in range(values.ndim) if place != axis)
    scale = np.maximum(np.abs(values).max(axis=others, keepdims=True) / 127, 1e-12)
    whole = np.round(values / scale).astype(np.int8)
    return whole, scale.astype(np.float32)


def main() -> None:
    """Quantises both graphs of an exported model."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name in (ENCODER, DECODER):
        quantize(folder / name, folder / name.replace(".onnx", ".int8.onnx"))


if __name__ == "__main__":
    main()
