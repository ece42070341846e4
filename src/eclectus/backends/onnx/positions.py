"""Takes the projections of the relative positions out of an encoder.

Each layer of a FastConformer multiplies the same table of relative positions, 2 S - 1 rows for S
frames, with a matrix of its own: 8 % of an encoder's products, and the same at every call. Here
they become inputs of the encoder, computed once for the longest S so far by a graph of their own.
Row i stands for a distance, counted from the middle, so what S frames need is the middle part of
what more frames need; that this holds is checked when a model is loaded.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eclectus.backends.onnx.graph import extract, narrow, opset
from eclectus.backends.onnx.onnx_session import Array, OnnxSession
from eclectus.backends.onnx.quantized import make_independent, saturates
from eclectus.networks.onnx_ports import FEATURE_LENGTHS, FEATURES

_PRODUCTS = ("MatMul", "MatMulInteger")
_TABLE_ROWS = 64
_PROBES = {3: 17, 5: 40}
"""Frames, and a number of mel frames that makes as many."""
_SLACK = 1e-5
"""Of the largest value: sums of float32 in another order."""
_FEWEST = 64
SUBSAMPLING = 8
"""Mel frames per encoder frame; the probes reject encoders with another factor."""
MOST_KEPT = 1_024
"""Frames (82 s) up to which projections are kept: 200 MB in a model of 24 layers and width 1024.
Longer items have theirs computed at each call, as in the published graph."""


@dataclass(frozen=True, slots=True)
class PositionParts:
    """An encoder in two parts.

    Attributes:
        positions: Features and lengths to the projections.
        encoder: The rest, with the projections among its inputs.
        names: Of the projections.
    """

    positions: Any
    encoder: Any
    names: tuple[str, ...]


def cut_positions(model: Any) -> PositionParts | None:
    """Cut an encoder, which changes it.

    Returns:
        None if it has no table of positions that is multiplied with weights.
    """
    graph = model.graph
    given = [port.name for port in graph.input]
    names = _projections(graph)
    if not names:
        return None
    outputs = [port.name for port in graph.output]
    positions = extract(model, given, names)
    # One scale for all rows would depend on their number.
    make_independent(positions.graph, opset(model), unsigned=saturates())
    narrow(model, [*given, *names], outputs)
    return PositionParts(positions, model, tuple(names))


def _projections(graph: Any) -> list[str]:
    """Values made of table and weights only, behind a product, that something else reads."""
    constant = {weight.name for weight in graph.initializer}
    constant |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    tables = _tables(graph)
    made: dict[str, bool] = {}
    found: dict[str, None] = {}
    for node in graph.node:
        names = [name for name in node.input if name]
        if node.op_type == "Slice" and node.input[0] in tables:
            made[node.output[0]] = False
        elif node.op_type != "Shape" and _only(names, made, constant):
            behind = node.op_type in _PRODUCTS or any(made.get(name, False) for name in names)
            made.update((name, behind) for name in node.output)
        else:
            found.update((name, None) for name in names if made.get(name, False))
    return list(found)


def _only(names: list[str], made: dict[str, bool], constant: set[str]) -> bool:
    return any(name in made for name in names) and all(
        name in made or name in constant for name in names
    )


def _tables(graph: Any) -> set[str]:
    """Constants (1, rows, width) long enough to be a table of positions."""
    tensors = [(weight.name, weight) for weight in graph.initializer]
    tensors += [
        (node.output[0], node.attribute[0].t)
        for node in graph.node
        if node.op_type == "Constant" and node.attribute
    ]
    return {
        name
        for name, tensor in tensors
        if len(tensor.dims) == 3 and tensor.dims[0] == 1 and tensor.dims[1] >= _TABLE_ROWS
    }


@dataclass(slots=True)
class Positions:
    """Computes and keeps projections; any number of threads may use it.

    Attributes:
        session: The graph that computes them.
        names: Of its outputs.
        axes: Where each has its 2 S - 1 rows.
        mel_bins: M.
    """

    session: OnnxSession
    names: tuple[str, ...]
    axes: tuple[int, ...]
    mel_bins: int
    _kept: list[Array] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, frames: int) -> dict[str, Array]:
        """Return the projections for a number of frames, at least 1."""
        if frames > MOST_KEPT:
            arrays = _run(self.session, self.mel_bins, frames * SUBSAMPLING)
        else:
            arrays = middles(self._long_enough(frames), self.axes, frames)
        return dict(zip(self.names, arrays, strict=True))

    def _long_enough(self, frames: int) -> list[Array]:
        with self._lock:
            if not self._kept or self._kept[0].shape[self.axes[0]] < 2 * frames - 1:
                room = min(MOST_KEPT, max(_FEWEST, 1 << (frames - 1).bit_length()))
                self._kept = _run(self.session, self.mel_bins, room * SUBSAMPLING)
            return self._kept

    def close(self) -> None:
        """Release the memory; safe to call twice."""
        self.session.close()
        self._kept = []


def middles(arrays: list[Array], axes: tuple[int, ...], frames: int) -> list[Array]:
    """Return the middle 2 S - 1 rows of each."""
    cut = []
    for array, axis in zip(arrays, axes, strict=True):
        start = (array.shape[axis] + 1) // 2 - frames
        rows = [slice(None)] * array.ndim
        rows[axis] = slice(start, start + 2 * frames - 1)
        cut.append(array[tuple(rows)])
    return cut


def _run(session: OnnxSession, mel_bins: int, mel_frames: int) -> list[Array]:
    features = np.zeros((1, mel_bins, mel_frames), np.float32)
    lengths = np.array([mel_frames])
    given = {FEATURES: features, FEATURE_LENGTHS: lengths}
    return session.run({name: given[name] for name in session.inputs})


def open_positions(session: OnnxSession, names: tuple[str, ...], mel_bins: int) -> Positions | None:
    """Find the axes of the rows by two runs; None if they don't behave as this module expects."""
    short, long = (_run(session, mel_bins, mel_frames) for mel_frames in _PROBES.values())
    few, many = _PROBES
    axes: list[int] = []
    for first, second in zip(short, long, strict=True):
        places = np.flatnonzero(np.array(first.shape) != np.array(second.shape))
        if len(places) != 1 or second.shape[places[0]] != 2 * many - 1:
            return None
        axes.append(int(places[0]))
    expected = middles(long, tuple(axes), few)
    if not all(
        mine.shape == wanted.shape and np.allclose(mine, wanted, atol=_SLACK * np.abs(long_).max())
        for mine, wanted, long_ in zip(short, expected, long, strict=True)
    ):
        return None
    return Positions(session, names, tuple(axes), mel_bins)
