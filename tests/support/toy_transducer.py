"""Small random transducers in NumPy: real implementations of the core's protocols for tests.

Encoder outputs made here carry two tags, item number and frame number, in their last two channels.
The projection passes them on and the joint notes them, so that a test can ask which cells a search
had evaluated. Frames past an item's length are NaN: a search that looks at them gives itself away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import EncoderOutput, Features, FloatArray, IntArray, PredictorState

TAGS = 2
Cell = tuple[int, int]


@dataclass(frozen=True)
class ToySize:
    """How big a toy is.

    Attributes:
        vocabulary: V, without blank.
        encoder: D without the tags.
        joint: J without the tags.
        predictor: H.
        layers: L.
        blank_bias: Added to the blank's logit; more of it makes more blanks.
        stay_bias: Added to the first duration's logit.
    """

    vocabulary: int = 12
    encoder: int = 10
    joint: int = 16
    predictor: int = 14
    layers: int = 2
    blank_bias: float = 1.5
    stay_bias: float = 0.0


@dataclass
class Calls:
    """What a toy was asked, in order.

    Attributes:
        predicted: The tokens of each predictor call.
        joints: The cells (item, frame) of each joint call.
        projections: The batch size of each projection.
    """

    predicted: list[list[int]] = field(default_factory=list)
    joints: list[list[Cell]] = field(default_factory=list)
    projections: list[int] = field(default_factory=list)

    @property
    def cells(self) -> list[Cell]:
        """All cells that were evaluated."""
        return [cell for cells in self.joints for cell in cells]

    @property
    def predictions(self) -> int:
        """Tokens that went through the predictor."""
        return sum(len(tokens) for tokens in self.predicted)


class ToyTransducer:
    """An LSTM predictor and a ReLU joint with random weights; a `TransducerStep`."""

    def __init__(
        self, size: ToySize = ToySize(), durations: Sequence[int] = (), seed: int = 0
    ) -> None:
        rng = np.random.default_rng(seed)
        labels = size.vocabulary + 1 + len(durations)
        self.size = size
        self.calls = Calls()
        self._embedding = _weights(rng, size.vocabulary + 1, size.predictor) * 3
        self._embedding[size.vocabulary] = 0.0
        self._lstm = [
            _weights(rng, 2 * size.predictor, 4 * size.predictor) for _ in range(size.layers)
        ]
        self._from_encoder = _weights(rng, size.encoder, size.joint)
        self._from_predictor = _weights(rng, size.predictor, size.joint) * 3
        self._out = _weights(rng, size.joint, labels) * 4
        self._bias = np.zeros(labels, np.float32)
        self._bias[size.vocabulary] = size.blank_bias
        if durations:
            self._bias[size.vocabulary + 1] = size.stay_bias

    def project(self, encoded: EncoderOutput) -> FloatArray:
        self.calls.projections.append(len(encoded.frames))
        projected = encoded.frames[..., :-TAGS] @ self._from_encoder
        return np.concatenate([projected, encoded.frames[..., -TAGS:]], axis=-1)

    def initial_state(self, batch: int) -> PredictorState:
        shape = (self.size.layers, batch, self.size.predictor)
        return PredictorState((np.zeros(shape, np.float32), np.zeros(shape, np.float32)))

    def predict(self, tokens: IntArray, state: PredictorState) -> tuple[FloatArray, PredictorState]:
        self.calls.predicted.append(tokens.tolist())
        hidden, cell = (array.copy() for array in state.arrays)
        x = self._embedding[tokens]
        for layer, weights in enumerate(self._lstm):
            gates = np.concatenate([x, hidden[layer]], axis=-1) @ weights
            i, f, o, g = np.split(gates, 4, axis=-1)
            cell[layer] = _sigmoid(f) * cell[layer] + _sigmoid(i) * np.tanh(g)
            x = hidden[layer] = _sigmoid(o) * np.tanh(cell[layer])
        projected = x @ self._from_predictor
        tags = np.zeros((len(tokens), TAGS), np.float32)
        return np.concatenate([projected, tags], axis=-1), PredictorState((hidden, cell))

    def joint(self, frames: FloatArray, predicted: FloatArray) -> FloatArray:
        tags = frames[..., -TAGS:].reshape(-1, TAGS)
        if np.isnan(tags).any():
            raise AssertionError("the search evaluated a frame past an item's end")
        self.calls.joints.append([(int(item), int(frame)) for item, frame in tags])
        hidden = np.maximum(frames[..., :-TAGS] + predicted[:, None, :-TAGS], 0.0)
        logits: FloatArray = hidden @ self._out + self._bias
        return logits


class ToyModel:
    """An acoustic model whose encoder looks at eight mel frames at a time; an `AcousticModel`."""

    def __init__(self, config: ModelConfig, size: ToySize | None = None, seed: int = 0) -> None:
        size = size or ToySize(vocabulary=config.vocabulary_size)
        rng = np.random.default_rng(seed + 1)
        self._config = config
        self._step = ToyTransducer(size, config.durations, seed)
        width = config.vocabulary_size + 1 if config.head is Head.CTC else size.encoder
        self._mix = _weights(rng, config.mel_bins, width) * 8

    @property
    def config(self) -> ModelConfig:
        return self._config

    @property
    def transducer(self) -> ToyTransducer | None:
        return None if self._config.head is Head.CTC else self._step

    def encode(self, features: Features) -> EncoderOutput:
        lengths = np.where(features.lengths > 0, (features.lengths - 1) // 8 + 1, 0)
        batch, bins, columns = features.data.shape
        valid = np.arange(columns) < features.lengths[:, None]
        data = np.where(valid[:, None], features.data, 0.0)
        data = np.pad(data, ((0, 0), (0, 0), (0, -columns % 8)))
        pooled = data.reshape(batch, bins, -1, 8).mean(axis=-1)  # (B, M, S)
        frames = (pooled.transpose(0, 2, 1) @ self._mix).astype(np.float32)
        if self._config.head is Head.CTC:
            return EncoderOutput(log_softmax(frames), lengths)
        return EncoderOutput(tagged(frames, lengths), lengths)

    def close(self) -> None:
        """Nothing to release."""


def toy_config(
    vocabulary: int = 12, durations: Sequence[int] = (), head: Head | None = None
) -> ModelConfig:
    """Describe a toy: TDT with durations, else RNN-T, unless a head is named."""
    head = head or (Head.TDT if durations else Head.RNNT)
    return ModelConfig("toy", head, 80, vocabulary, tuple(durations))


def random_encoded(
    lengths: Sequence[int], width: int = ToySize.encoder, seed: int = 0
) -> EncoderOutput:
    """Make an encoder output of random frames, tagged, NaN past each item's length."""
    rng = np.random.default_rng(seed)
    longest = max(lengths, default=0)
    frames = rng.normal(size=(len(lengths), longest, width)).astype(np.float32)
    return EncoderOutput(
        tagged(frames, np.asarray(lengths, np.int64)), np.asarray(lengths, np.int64)
    )


def tagged(frames: FloatArray, lengths: IntArray) -> FloatArray:
    """Append item and frame numbers as channels, and put NaN past each item's length."""
    batch, count, width = frames.shape
    out = np.full((batch, count, width + TAGS), np.nan, np.float32)
    for item, length in enumerate(lengths):
        out[item, :length, :width] = frames[item, :length]
        out[item, :length, width] = item
        out[item, :length, width + 1] = np.arange(length)
    return out


def log_softmax(logits: FloatArray) -> FloatArray:
    """Normalise along the last axis."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: FloatArray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def _weights(rng: np.random.Generator, fan_in: int, fan_out: int) -> FloatArray:
    weights: FloatArray = rng.standard_normal((fan_in, fan_out), np.float32)
    weights /= np.float32(np.sqrt(fan_in))
    return weights


def _sigmoid(x: FloatArray) -> FloatArray:
    out: FloatArray = np.float32(1.0) / (np.float32(1.0) + np.exp(-x))
    return out
