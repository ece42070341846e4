"""A small writer of ONNX graphs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

OPSET = 17
IR_VERSION = 8
READY = "eclectus.ready"
KINDS = {"float": TensorProto.FLOAT, "int64": TensorProto.INT64, "int32": TensorProto.INT32}

Port = tuple[str, Sequence[str | int]]
"""Element type and axes; a word names an axis of any length."""


class Graph:
    """Collects nodes and weights. Every method that adds a node returns the name of its value."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}

    def weight(self, name: str, values: Tensor | NDArray[Any]) -> str:
        """Adds a constant, once for each name."""
        array = values.detach().numpy() if isinstance(values, torch.Tensor) else values
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def numbers(self, *values: int) -> str:
        """Adds a vector of int64."""
        return self.weight(f"numbers.{'.'.join(map(str, values))}", np.array(values, np.int64))

    def number(self, value: float) -> str:
        """Adds a scalar, float32 or int64."""
        kind = np.int64 if isinstance(value, int) else np.float32
        return self.weight(f"number.{value}", np.array(value, kind))

    def add(self, kind: str, *inputs: str, to: str | None = None, **attributes: Any) -> str:
        """Adds a node with one output, named `to` or by its count; `to_type` is Cast's `to`."""
        name = to or f"{kind.lower()}.{len(self.nodes)}"
        if "to_type" in attributes:
            attributes["to"] = attributes.pop("to_type")
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def add_many(
        self, kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: Any
    ) -> list[str]:
        """Adds a node with several outputs."""
        self.nodes.append(helper.make_node(kind, inputs, outputs, outputs[0], **attributes))
        return list(outputs)

    def split(self, value: str, count: int, axis: int) -> list[str]:
        """Divides a value into equal parts."""
        names = [f"split.{len(self.nodes)}.{part}" for part in range(count)]
        return self.add_many("Split", [value], names, axis=axis)

    def linear(self, value: str, name: str, weight: Tensor, bias: Tensor | None) -> str:
        """Multiplies with a weight (outputs, inputs), as PyTorch keeps it, and adds a bias."""
        product = self.add("MatMul", value, self.weight(f"{name}.weight", weight.t()))
        if bias is None:
            return product
        return self.add("Add", product, self.weight(f"{name}.bias", bias))

    def save(self, inputs: Mapping[str, Port], outputs: Mapping[str, Port], path: Path) -> None:
        """Checks the graph and writes it, with the mark that loaders need not improve it."""
        graph = helper.make_graph(
            self.nodes, self.name, _ports(inputs), _ports(outputs), list(self.weights.values())
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
        )
        model.metadata_props.add(key=READY, value="true")
        onnx.checker.check_model(model)
        onnx.save(model, str(path))


def _ports(ports: Mapping[str, Port]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, KINDS[kind], list(axes))
        for name, (kind, axes) in ports.items()
    ]
