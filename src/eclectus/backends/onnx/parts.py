"""Cuts a published transducer graph into the parts that a search needs.

A `decoder_joint` export projects the encoder frame and runs the predictor at every step of a
search. Cut in three, the frames are projected once an utterance, the predictor runs after an
emission only, and the joint serves several frames at once. sherpa-onnx's joiner is cut alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclectus.backends.onnx import proto
from eclectus.backends.onnx.graph import Cut, extract, find_cut
from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.networks.graph_facts import GraphFacts
from eclectus.networks.onnx_network import StateShape
from eclectus.networks.onnx_ports import ENCODED, PREDICTED, TOKEN_LENGTHS, TOKENS


@dataclass(frozen=True, slots=True)
class JointParts:
    """A joint network in parts; each is a model.

    Attributes:
        projection: Encoder frames to the value where the branches meet.
        predictor: The other branch, up to there, with the states after it if it runs the LSTM.
        joint: From there to the logits.
        cut: The two values where the branches meet.
    """

    projection: Any
    predictor: Any
    joint: Any
    cut: Cut


def frame_width(facts: GraphFacts, path: Path) -> int:
    """Return D, the width of the encoder frames that a joint takes.

    Raises:
        IncompatibleModelError: The graph leaves it open.
    """
    width = facts.inputs[ENCODED][1]
    if not isinstance(width, int):
        raise IncompatibleModelError(
            f"{path} leaves the width of its input {ENCODED} open. Export it with a fixed one.",
            path=str(path),
        )
    return width


def read_model(path: Path) -> Any:
    """Read a graph to cut it.

    Raises:
        ModelFilesError: The file is broken.
    """
    try:
        return proto.parse_model(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelFilesError(
            f"{path} is broken or not an ONNX model. Fetch it again. ({error})", path=str(path)
        ) from error


def cut_fused(model: Any, states: StateShape) -> JointParts | None:
    """Cut a fused predictor and joint; None if it is not built as expected."""
    outputs = [port.name for port in model.graph.output]
    after = outputs[-len(states.inputs) :]
    return _cut(model, (TOKENS, TOKEN_LENGTHS, *states.inputs), tuple(after))


def cut_joiner(model: Any) -> JointParts | None:
    """Cut a joiner; None if it is not built as expected."""
    return _cut(model, (PREDICTED,), ())


def _cut(model: Any, predictor: tuple[str, ...], after: tuple[str, ...]) -> JointParts | None:
    cut = find_cut(model.graph, {ENCODED}, predictor)
    if cut is None:
        return None
    logits = model.graph.output[0].name
    try:
        return JointParts(
            extract(model, (ENCODED,), (cut.encoder,)),
            extract(model, predictor, (cut.predictor, *after)),
            extract(model, (cut.encoder, cut.predictor), (logits,)),
            cut,
        )
    except KeyError:
        return None
