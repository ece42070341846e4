"""Cuts graphs apart: what depends on which input, and the part between given values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eclectus.backends.onnx import proto
from eclectus.networks.onnx_ports import STATE_BATCH, STATE_RANK

STANDARD = ("", "ai.onnx")
"""Names of the domain of standard operators."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The two values at which the branches of a joint network meet.

    Attributes:
        encoder: Value that depends on encoder frames only.
        predictor: Value that depends on tokens and states only.
    """

    encoder: str
    predictor: str


def sources(graph: Any) -> dict[str, frozenset[str]]:
    """Return the graph inputs that each value depends on; nodes are in topological order."""
    weights = {tensor.name for tensor in graph.initializer}
    found = {port.name: frozenset((port.name,)) for port in graph.input if port.name not in weights}
    nothing: frozenset[str] = frozenset()
    for node in graph.node:
        union = nothing.union(*(found.get(name, nothing) for name in node.input))
        found.update((name, union) for name in node.output if name)
    return found


def find_cut(graph: Any, encoder: Collection[str], predictor: Collection[str]) -> Cut | None:
    """Find the values on which the two branches of a joint network first meet.

    Args:
        graph: Of a fused predictor and joint, or of a joiner.
        encoder: Names of the inputs that carry encoder frames.
        predictor: Names of the inputs that carry tokens and states, or predictor outputs.

    Returns:
        None if the branches don't meet in one node that has one value of each.
    """
    origin = sources(graph)
    left, right = frozenset(encoder), frozenset(predictor)
    for node in graph.node:
        sides = [origin.get(name, frozenset()) for name in node.input]
        union = frozenset().union(*sides)
        if not (union & left and union & right):
            continue
        lefts = {n for n, s in zip(node.input, sides, strict=True) if s and s <= left}
        rights = {n for n, s in zip(node.input, sides, strict=True) if s and s <= right}
        if len(lefts) == len(rights) == 1:
            return Cut(lefts.pop(), rights.pop())
        return None
    return None


def extract(model: Any, inputs: Iterable[str], outputs: Iterable[str]) -> Any:
    """Return the part of a model that computes some values from others.

    Args:
        model: Is not changed.
        inputs: Values that are given; inputs of the model among them that aren't needed are left
            out.
        outputs: Values to compute.

    Raises:
        KeyError: A wanted value needs an input that is not given.
    """
    graph = model.graph
    given, wanted = list(inputs), list(outputs)
    nodes, needed = _needed(graph, set(given), wanted)
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    part = proto.new("Model")
    part.ir_version = model.ir_version
    part.opset_import.extend(model.opset_import)
    part.graph.name = graph.name
    part.graph.node.extend(nodes)
    part.graph.initializer.extend(weights)
    ports = _ports(graph)
    kind = _float_type(graph)
    part.graph.input.extend(_port(name, ports, kind) for name in given if name in needed)
    part.graph.output.extend(_port(name, ports, kind) for name in wanted)
    return part


def narrow(model: Any, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Do to a model what `extract` does, in place: its weights are not copied.

    Raises:
        KeyError: A wanted value needs an input that is not given; the model is as it was.
    """
    graph = model.graph
    given, wanted = list(inputs), list(outputs)
    found, needed = _needed(graph, set(given), wanted)
    nodes, ports, kind = [_copy(node) for node in found], _ports(graph), _float_type(graph)
    left = [_port(name, ports, kind) for name in given if name in needed]
    right = [_port(name, ports, kind) for name in wanted]
    for place in reversed(range(len(graph.initializer))):
        if graph.initializer[place].name not in needed:
            del graph.initializer[place]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.input.extend(left)
    graph.output.extend(right)


def _copy(node: Any) -> Any:
    copy = proto.new("Node")
    copy.CopyFrom(node)
    return copy


def _needed(graph: Any, given: set[str], wanted: list[str]) -> tuple[list[Any], set[str]]:
    needed = set(wanted)
    nodes = []
    for node in reversed(graph.node):
        if any(name in needed and name not in given for name in node.output if name):
            nodes.append(node)
            needed.update(name for name in node.input if name)
    made = {name for node in nodes for name in node.output}
    missing = needed - made - given - {tensor.name for tensor in graph.initializer}
    if missing:
        raise KeyError(f"not given: {sorted(missing)}")
    return nodes[::-1], needed


def _ports(graph: Any) -> Mapping[str, Any]:
    return {port.name: port for ports in (graph.input, graph.output) for port in ports}


def _port(name: str, ports: Mapping[str, Any], kind: int) -> Any:
    """Values within the graph become ports without a shape; known ones get a free batch axis.

    Some exports fix the batch of one state at 1 though their graph does not need it.
    """
    port = proto.new("Port")
    port.name = name
    port.type.tensor_type.elem_type = kind
    if name in ports:
        port.CopyFrom(ports[name])
        dims = port.type.tensor_type.shape.dim
        if len(dims) == STATE_RANK:
            dims[STATE_BATCH].Clear()
    return port


def _float_type(graph: Any) -> int:
    kinds = {port.type.tensor_type.elem_type for port in graph.input}
    return proto.FLOAT16 if proto.FLOAT16 in kinds else proto.FLOAT


def has_node(model: Any, kind: str) -> bool:
    """Tell whether a graph has a node of the given type."""
    return any(node.op_type == kind for node in model.graph.node)


def opset(model: Any) -> int:
    """Return the version of the standard operators that a model is written for."""
    return int(next(entry.version for entry in model.opset_import if entry.domain in STANDARD))
