"""Cuts a published transducer graph into the parts that a search wants.

A `decoder_joint` export projects the encoder frame and runs the predictor at every step of a
search. Cut in three, the frames are projected once an utterance, the predictor runs after an
emission only, and the joint serves several frames at once. sherpa-onnx's joiner is cut alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eclectus.backends.onnx import proto
from eclectus.backends.onnx.describe import GraphFacts
from eclectus.backends.onnx.graph import STATE_RANK, Cut, extract, find_cut
from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.types import PredictorState

ENCODER = "encoder_outputs"
PREDICTED = "decoder_outputs"
TOKENS = "targets"
LENGTH = "target_length"
"""Names that NeMo's export gives the inputs of predictor and joint."""


@dataclass(frozen=True, slots=True)
class StateShape:
    """The predictor's recurrent states.

    Attributes:
        inputs: Names of the inputs that carry them, in order.
        layers: L.
        width: H.
    """

    inputs: tuple[str, ...]
    layers: int
    width: int

    def zeros(self, batch: int) -> PredictorState:
        """Return the states before any token."""
        shape = (self.layers, batch, self.width)
        return PredictorState(tuple(np.zeros(shape, np.float32) for _ in self.inputs))


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


def state_shape(facts: GraphFacts, path: Path) -> StateShape:
    """Find the inputs that carry the predictor's states: those of rank 3 besides the frames.

    Raises:
        ModelFilesError: The graph is no predictor.
        IncompatibleModelError: It leaves the size of its states open.
    """
    require(facts, (TOKENS,), path, "predictor")
    names = tuple(
        name for name, shape in facts.inputs.items() if len(shape) == STATE_RANK and name != ENCODER
    )
    if not names:
        raise IncompatibleModelError(
            f"{path} has no recurrent states among its inputs ({', '.join(facts.inputs)}); "
            "eclectus runs predictors with an LSTM.",
            path=str(path),
        )
    layers, _, width = facts.inputs[names[0]]
    if not (isinstance(layers, int) and isinstance(width, int)):
        raise IncompatibleModelError(
            f"{path} leaves the size of its state {names[0]} open. Export it with fixed sizes.",
            path=str(path),
        )
    return StateShape(names, layers, width)


def require(facts: GraphFacts, names: tuple[str, ...], path: Path, role: str) -> None:
    """Check that a graph has the inputs of its role.

    Raises:
        ModelFilesError: It has not, so the files are mixed up.
    """
    missing = [name for name in names if name not in facts.inputs]
    if missing:
        found = ", ".join(facts.inputs) or "none"
        raise ModelFilesError(
            f"{path} is no {role}: it lacks the input {missing[0]} (inputs: {found}). Are the "
            "model's files mixed up?",
            path=str(path),
        )


def frame_width(facts: GraphFacts, path: Path) -> int:
    """Return D, the width of the encoder frames that a joint takes.

    Raises:
        IncompatibleModelError: The graph leaves it open.
    """
    width = facts.inputs[ENCODER][1]
    if not isinstance(width, int):
        raise IncompatibleModelError(
            f"{path} leaves the width of its input {ENCODER} open. Export it with a fixed one.",
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
    return _cut(model, (TOKENS, LENGTH, *states.inputs), tuple(after))


def cut_joiner(model: Any) -> JointParts | None:
    """Cut a joiner; None if it is not built as expected."""
    return _cut(model, (PREDICTED,), ())


def _cut(model: Any, predictor: tuple[str, ...], after: tuple[str, ...]) -> JointParts | None:
    cut = find_cut(model.graph, {ENCODER}, predictor)
    if cut is None:
        return None
    logits = model.graph.output[0].name
    try:
        return JointParts(
            extract(model, (ENCODER,), (cut.encoder,)),
            extract(model, predictor, (cut.predictor, *after)),
            extract(model, (cut.encoder, cut.predictor), (logits,)),
            cut,
        )
    except KeyError:
        return None
