"""What a confidence means."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eclectus.core.choices import Aggregation, ConfidenceMethod
from eclectus.core.types import Hypothesis
from eclectus.search.confidence import aggregate, token_confidences

LABELS = 5
BOTH = list(ConfidenceMethod)


def one_token(probabilities: list[float]) -> Hypothesis:
    p = np.array(probabilities)
    entropy = -sum(x * math.log(x) for x in probabilities if x)
    zero = np.zeros(1, np.int64)
    log_prob = np.array([math.log(p.max())], np.float32)
    return Hypothesis(zero, zero, zero, log_prob, np.array([entropy], np.float32))


def confidence(probabilities: list[float], method: ConfidenceMethod) -> float:
    values = token_confidences(one_token(probabilities), LABELS - 1, method)
    assert values.dtype == np.float32
    return float(values[0])


@pytest.mark.parametrize("method", BOTH)
def test_certainty_is_one_and_chance_is_zero(method: ConfidenceMethod) -> None:
    assert confidence([1.0, 0.0, 0.0, 0.0, 0.0], method) == 1.0
    assert confidence([0.2] * 5, method) == pytest.approx(0.0, abs=1e-6)


def test_the_maximum_probability_is_scaled_from_chance() -> None:
    value = confidence([0.6, 0.1, 0.1, 0.1, 0.1], ConfidenceMethod.MAX_PROB)
    assert value == pytest.approx((0.6 * 5 - 1) / 4)


def test_the_entropy_counts_what_the_others_share() -> None:
    spread = confidence([0.6, 0.1, 0.1, 0.1, 0.1], ConfidenceMethod.ENTROPY)
    rival = confidence([0.6, 0.4, 0.0, 0.0, 0.0], ConfidenceMethod.ENTROPY)
    assert spread < rival
    entropy = -(0.6 * math.log(0.6) + 0.4 * math.log(0.4))
    assert rival == pytest.approx(1 - entropy / math.log(5))


@pytest.mark.parametrize("method", BOTH)
def test_rounding_does_not_leave_the_interval(method: ConfidenceMethod) -> None:
    zero = np.zeros(2, np.int64)
    log_probs = np.array([1e-7, -9.0], np.float32)
    entropies = np.array([-1e-7, math.log(LABELS) + 1e-6], np.float32)
    found = Hypothesis(zero, zero, zero, log_probs, entropies)
    assert token_confidences(found, LABELS - 1, method).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("method", BOTH)
def test_silence_has_no_confidences(method: ConfidenceMethod) -> None:
    assert token_confidences(Hypothesis.empty(), 10, method).shape == (0,)


def test_tokens_make_words_by_mean_minimum_or_product() -> None:
    values = [0.9, 0.5, 0.8]
    assert aggregate(values, Aggregation.MEAN) == pytest.approx(2.2 / 3)
    assert aggregate(values, Aggregation.MIN) == 0.5
    assert aggregate(values, Aggregation.PRODUCT) == pytest.approx(0.36)


@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_an_aggregate_stays_in_the_interval(aggregation: Aggregation) -> None:
    assert aggregate([1.0] * 7, aggregation) == 1.0
    assert aggregate([0.0, 1.0], aggregation) in {0.0, 0.5}
    assert aggregate([0.1] * 3, aggregation) <= 0.1 + 1e-12


def test_a_word_without_tokens_is_an_error() -> None:
    with pytest.raises(ValueError, match="without tokens"):
        aggregate([], Aggregation.MEAN)
