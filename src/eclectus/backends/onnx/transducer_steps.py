"""Predictor and joint in the engine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclectus.backends.onnx.onnx_session import Array, OnnxSession
from eclectus.core.types import EncoderOutput, FloatArray, IntArray, PredictorState
from eclectus.networks.onnx_network import StateShape
from eclectus.networks.onnx_ports import ENCODED, TOKEN_LENGTHS, TOKENS


@dataclass(frozen=True, slots=True)
class Predictor:
    """The prediction network, up to the value that the joint takes.

    Attributes:
        network: Tokens and states to the output and the states after it.
        states: The states.
        finish: Projects the output to the joint's width; None if `network` does.
        one_by_one: Run the items of a batch apart: an LSTM in a quantised graph takes one scale
            for all of its input, so in a batch each item would change the others' numbers.
    """

    network: OnnxSession
    states: StateShape
    finish: OnnxSession | None
    one_by_one: bool

    def __call__(
        self, tokens: IntArray, state: PredictorState
    ) -> tuple[FloatArray, PredictorState]:
        """Advance by one token an item; returns (B, J) and the states."""
        if not self.one_by_one or len(tokens) == 1:
            return self._run(tokens, state)
        rows = [np.array([row]) for row in range(len(tokens))]
        parts = [self._run(tokens[row], state.take(row)) for row in rows]
        predicted = np.concatenate([output for output, _ in parts])
        return predicted, PredictorState.concat([after for _, after in parts])

    def _run(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        feeds = token_feeds(self.network, tokens)
        feeds.update(zip(self.states.inputs, state.arrays, strict=True))
        predicted, *after = self.network.run(feeds)
        if self.finish is not None:
            (name,) = self.finish.inputs
            predicted = self.finish.run({name: predicted})[0]
        return predicted.reshape(len(tokens), -1), PredictorState(tuple(after))

    def close(self) -> None:
        """Release the memory."""
        self.network.close()
        if self.finish is not None:
            self.finish.close()


def token_feeds(session: OnnxSession, tokens: IntArray) -> dict[str, Array]:
    """Return the token inputs of a graph: ids (B, 1), and lengths (B,) if it has that input."""
    feeds: dict[str, Array] = {TOKENS: tokens[:, None], TOKEN_LENGTHS: np.ones(len(tokens))}
    return {name: array for name, array in feeds.items() if name in session.inputs}


@dataclass(frozen=True, slots=True)
class CutStep:
    """A predictor and a joint that are graphs of their own (`core.protocols.TransducerStep`).

    Attributes:
        projection: Encoder frames (B, D, S) to the joint's width.
        predictor: The prediction network.
        joint_network: The two projected sides to logits.
        joint_inputs: Names of its inputs: frames, predictor output.
    """

    projection: OnnxSession
    predictor: Predictor
    joint_network: OnnxSession
    joint_inputs: tuple[str, str]

    def project(self, encoded: EncoderOutput) -> FloatArray:
        """Project encoder frames to the joint's width; returns (B, S, J)."""
        frames = encoded.frames
        (projected,) = self.projection.run({ENCODED: frames.transpose(0, 2, 1)})
        return projected.reshape(*frames.shape[:2], -1)

    def initial_state(self, batch: int) -> PredictorState:
        """Return the state before any token."""
        return self.predictor.states.zeros(batch)

    def predict(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        """Advance the prediction network by one token an item."""
        return self.predictor(tokens, state)

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        """Combine projected frames (B, F, J) with predictor outputs (B, J) to logits."""
        left, right = self.joint_inputs
        feeds = {left: frames[:, :, None], right: predicted[:, None, None]}
        (logits,) = self.joint_network.run(feeds)
        return logits.reshape(*frames.shape[:2], -1)

    def close(self) -> None:
        """Release the memory."""
        self.projection.close()
        self.predictor.close()
        self.joint_network.close()


@dataclass(frozen=True, slots=True)
class JoinerStep:
    """A joiner that could not be cut: it projects the frames again at each call.

    Attributes:
        predictor: The prediction network without the projection.
        joiner: Encoder frames (B, D, F) and predictor outputs (B, H, 1) to logits.
        joiner_inputs: Names of its inputs: frames, predictor output.
    """

    predictor: Predictor
    joiner: OnnxSession
    joiner_inputs: tuple[str, str]

    def project(self, encoded: EncoderOutput) -> FloatArray:
        """Return the frames as they are."""
        return encoded.frames

    def initial_state(self, batch: int) -> PredictorState:
        """Return the state before any token."""
        return self.predictor.states.zeros(batch)

    def predict(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        """Advance the prediction network by one token an item."""
        return self.predictor(tokens, state)

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        """Run the whole joiner."""
        left, right = self.joiner_inputs
        feeds = {left: frames.transpose(0, 2, 1), right: predicted[:, :, None]}
        (logits,) = self.joiner.run(feeds)
        return logits.reshape(*frames.shape[:2], -1)

    def close(self) -> None:
        """Release the memory."""
        self.predictor.close()
        self.joiner.close()


@dataclass(frozen=True, slots=True)
class FusedStep:
    """A fused graph that could not be cut: correct, but it runs the predictor at every call.

    Instead of the predictor's output, `predict` returns the token and the states before it; `joint`
    runs the whole graph on them.

    Attributes:
        network: The fused graph.
        states: The predictor's states.
        frame_width: D.
    """

    network: OnnxSession
    states: StateShape
    frame_width: int

    def project(self, encoded: EncoderOutput) -> FloatArray:
        """Return the frames as they are."""
        return encoded.frames

    def initial_state(self, batch: int) -> PredictorState:
        """Return the state before any token."""
        return self.states.zeros(batch)

    def predict(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        """Advance the prediction network, with an empty frame at the joint."""
        frames = np.zeros((len(tokens), 1, self.frame_width), np.float32)
        _, after = self._run(frames, tokens, state)
        columns = [array.transpose(1, 0, 2).reshape(len(tokens), -1) for array in state.arrays]
        packed = np.concatenate([tokens[:, None].astype(np.float32), *columns], axis=1)
        return packed, after

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        """Run the whole graph on what `predict` packed."""
        columns = np.split(predicted[:, 1:], len(self.states.inputs), axis=1)
        shape = (len(predicted), self.states.layers, self.states.width)
        arrays = tuple(column.reshape(shape).transpose(1, 0, 2) for column in columns)
        tokens = predicted[:, 0].astype(np.int64)
        return self._run(frames, tokens, PredictorState(arrays))[0]

    def _run(
        self, frames: FloatArray, tokens: IntArray, state: PredictorState
    ) -> tuple[FloatArray, PredictorState]:
        feeds = token_feeds(self.network, tokens)
        feeds[ENCODED] = frames.transpose(0, 2, 1)
        feeds.update(zip(self.states.inputs, state.arrays, strict=True))
        outputs = self.network.run(feeds)
        after = outputs[-len(state.arrays) :]
        return outputs[0].reshape(*frames.shape[:2], -1), PredictorState(tuple(after))

    def close(self) -> None:
        """Release the memory."""
        self.network.close()
