"""Puts predictor and joint together from the files of each layout."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from eclectus.backends.onnx.graph import extract, has_node, opset
from eclectus.backends.onnx.onnx_session import OnnxSession, Rewriting, Runtime
from eclectus.backends.onnx.parts import (
    JointParts,
    cut_fused,
    cut_joiner,
    frame_width,
    read_model,
)
from eclectus.backends.onnx.quantized import QUANTIZED_LSTM, make_independent, saturates
from eclectus.backends.onnx.transducer_steps import CutStep, FusedStep, JoinerStep, Predictor
from eclectus.networks.graph_facts import GraphFacts
from eclectus.networks.onnx_network import OnnxNetwork, StateShape
from eclectus.networks.onnx_ports import ENCODED, PREDICTED, TOKEN_LENGTHS, TOKENS

log = logging.getLogger(__name__)

_LARGE = 4_000_000
"""Bytes of weights from which a part of the search is bound by reading them, and two cores read
faster than one (0.6B, fp32: 1.6 times); for less, a second thread costs more than it saves."""
_READERS = 4
"""Most threads that read weights: beyond that, memory bandwidth is the limit."""


def load_step(network: OnnxNetwork, runtime: Runtime) -> CutStep | JoinerStep | FusedStep | None:
    """Load predictor and joint; None for a CTC model.

    Raises:
        ModelError: The graphs are broken, or the engine can't run them.
        OutOfMemoryError: They don't fit into memory.
    """
    files, states = network.files, network.states
    if files.decoder is None or states is None:
        return None
    if files.joiner is None:
        return _load_fused(files.decoder, network.facts[files.decoder], states, runtime)
    return _load_pair(files.decoder, files.joiner, states, runtime)


def _load_fused(
    path: Path, facts: GraphFacts, states: StateShape, runtime: Runtime
) -> CutStep | FusedStep:
    parts = cut_fused(read_model(path), states)
    if parts is None:
        log.warning("%s can't be cut into its parts; the search will be slower", path)
        return FusedStep(OnnxSession(path, runtime), states, frame_width(facts, path))
    network = _part(parts.predictor, path, runtime)
    predictor = Predictor(network, states, None, _one_by_one(parts.predictor))
    return _cut_step(parts, predictor, path, runtime)


def _load_pair(
    decoder: Path, joiner: Path, states: StateShape, runtime: Runtime
) -> CutStep | JoinerStep:
    model = read_model(decoder)
    outputs = [port.name for port in model.graph.output]
    wanted = (outputs[0], *outputs[-len(states.inputs) :])
    network = extract(model, (TOKENS, TOKEN_LENGTHS, *states.inputs), wanted)
    predictor = _part(network, decoder, runtime)
    one_by_one = _one_by_one(network)
    parts = cut_joiner(read_model(joiner))
    if parts is None:
        log.warning("%s can't be cut into its parts; the search will be slower", joiner)
        whole = OnnxSession(joiner, runtime)
        return JoinerStep(
            Predictor(predictor, states, None, one_by_one), whole, (ENCODED, PREDICTED)
        )
    finish = _part(parts.predictor, joiner, runtime)
    return _cut_step(parts, Predictor(predictor, states, finish, one_by_one), joiner, runtime)


def _cut_step(parts: JointParts, predictor: Predictor, path: Path, runtime: Runtime) -> CutStep:
    return CutStep(
        _part(parts.projection, path, runtime, most=runtime.threads),
        predictor,
        _part(parts.joint, path, runtime),
        (parts.cut.encoder, parts.cut.predictor),
    )


def _one_by_one(predictor: Any) -> bool:
    return has_node(predictor, QUANTIZED_LSTM)


def _part(model: Any, path: Path, runtime: Runtime, most: int = _READERS) -> OnnxSession:
    make_independent(model.graph, opset(model), unsigned=saturates())
    data = model.SerializeToString()
    threads = min(runtime.threads, most) if len(data) >= _LARGE else 1
    # New layouts would bring nothing without convolutions, and crash the process on a
    # half-precision LSTM (ONNX Runtime 1.31, CPU).
    return OnnxSession(data, runtime, path=path, threads=threads, rewriting=Rewriting.OPERATORS)
