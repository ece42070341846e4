"""The transducer search in its plainest form: one item, one frame, one call at a time."""

from __future__ import annotations

import math

import numpy as np

from eclectus.core.model_config import ModelConfig
from eclectus.core.protocols import TransducerStep
from eclectus.core.types import EncoderOutput, Hypothesis


def search_one(
    step: TransducerStep, config: ModelConfig, encoded: EncoderOutput, max_symbols: int = 10
) -> Hypothesis:
    """Search an encoder output of one item as the definition reads."""
    found: list[tuple[int, int, int, float, float]] = []
    length, score, s, symbols = int(encoded.lengths[0]), 0.0, 0, 0
    frames = step.project(EncoderOutput(encoded.frames[:, :length], encoded.lengths))
    predicted, state = step.predict(np.array([config.blank_id]), step.initial_state(1))
    while s < length:
        logits = step.joint(frames[:, s : s + 1], predicted)[0, 0].astype(np.float64)
        scores, choices = np.split(logits, [config.vocabulary_size + 1])
        probabilities = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        label = int(scores.argmax())
        d = config.durations[choices.argmax()] if config.durations else 0
        log_prob = math.log(probabilities[label])
        score += log_prob
        if label == config.blank_id:
            s, symbols = s + max(d, 1), 0
            continue
        entropy = -float((probabilities * np.log(probabilities)).sum())
        found.append((label, s, d if config.durations else 1, log_prob, entropy))
        predicted, state = step.predict(np.array([label]), state)
        symbols += 1
        if d == 0 and symbols == max_symbols:
            d = 1
        s, symbols = s + d, 0 if d else symbols
    columns = list(zip(*found, strict=True)) or [()] * 5
    ids, at, spans = (np.array(column, np.int64) for column in columns[:3])
    log_probs, entropies = (np.array(column, np.float32) for column in columns[3:])
    return Hypothesis(ids, at, spans, log_probs, entropies, score)


def assert_same(one: Hypothesis, other: Hypothesis) -> None:
    """Check that integers are equal and logarithms agree to what float32 sums of any order give."""
    np.testing.assert_array_equal(one.token_ids, other.token_ids)
    np.testing.assert_array_equal(one.frames, other.frames)
    np.testing.assert_array_equal(one.durations, other.durations)
    np.testing.assert_allclose(one.log_probs, other.log_probs, atol=1e-4)
    np.testing.assert_allclose(one.entropies, other.entropies, atol=1e-4)
    np.testing.assert_allclose(one.score, other.score, atol=1e-3)
