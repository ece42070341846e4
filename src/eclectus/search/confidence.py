"""How sure the model was: the field's two definitions, and how tokens make words.

Both look at the distribution over the V tokens and blank that a token was chosen from, and map it
linearly to [0, 1], so that a uniform distribution gives 0 and a certain one 1. With V' = V + 1
labels, p the chosen label's probability and H the entropy in nats:

- maximum probability: (p V' - 1) / (V' - 1); NeMo's `max_prob` with alpha 1;
- normalised entropy: 1 - H / ln V'; NeMo's `entropy`, type `gibbs`, norm `lin`, alpha 1.
  (Laptev and Ginsburg 2022, arXiv:2212.08703, compare these and others.)

A confidence is not a probability of being right: it ranks, and it is not calibrated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from eclectus.core.choices import Aggregation, ConfidenceMethod
from eclectus.core.types import FloatArray, Hypothesis


def token_confidences(
    hypothesis: Hypothesis, vocabulary_size: int, method: ConfidenceMethod
) -> FloatArray:
    """Return the confidence of each token.

    Args:
        hypothesis: Its log-probabilities or entropies are what counts.
        vocabulary_size: V, without blank.
        method: Which definition.

    Returns:
        (U,) in [0, 1]. Rounding below 0 or above 1 is clipped, and so is the maximum probability
        of a token that was less likely than chance (no greedy search takes one).
    """
    labels = vocabulary_size + 1
    if method is ConfidenceMethod.MAX_PROB:
        values = (np.exp(hypothesis.log_probs, dtype=np.float64) * labels - 1) / (labels - 1)
    else:
        values = 1 - hypothesis.entropies.astype(np.float64) / math.log(labels)
    confidences: FloatArray = np.clip(values, 0, 1).astype(np.float32)
    return confidences


def aggregate(values: Sequence[float], aggregation: Aggregation) -> float:
    """Combine the confidences of a word's tokens, at least one, each in [0, 1].

    The mean forgives one bad token, the minimum does not, the product falls with the length.

    Raises:
        ValueError: There are no values.
    """
    if not len(values):
        raise ValueError("a word without tokens has no confidence")
    if aggregation is Aggregation.MEAN:
        return min(1.0, math.fsum(values) / len(values))
    if aggregation is Aggregation.MIN:
        return float(min(values))
    return float(math.prod(values))
