"""Probabilities from logits, in float32, without a full log-softmax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eclectus.core.errors import InferenceError
from eclectus.core.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """The best label of each of n softmax distributions over C labels.

    Attributes:
        shifted: (n, C) logits minus the best one.
        weights: (n, C) their exponentials.
        totals: (n,) sums of the weights, at least 1.
    """

    shifted: FloatArray
    weights: FloatArray
    totals: FloatArray

    def log_probs(self) -> list[float]:
        """Natural log of the best label's probability, one per row."""
        return [float(value) for value in -np.log(self.totals)]

    def entropy(self, row: int) -> float:
        """Entropy of one row in nats: log Z - sum(w x) / Z for shifted logits x, w = exp(x)."""
        total = float(self.totals[row])
        with np.errstate(invalid="ignore"):
            moment = float(np.dot(self.weights[row], self.shifted[row]))
        if not np.isfinite(moment):  # A label with the logit -inf: 0 * log 0 counts as 0.
            possible = self.weights[row] > 0.0
            moment = float(np.dot(self.weights[row][possible], self.shifted[row][possible]))
        return max(0.0, float(np.log(total)) - moment / total)


def distribution(logits: FloatArray, best: IntArray) -> Distribution:
    """Describe softmax distributions around their best labels.

    Args:
        logits: (n, C) raw.
        best: (n,) argmax of each row.

    Raises:
        InferenceError: A row holds NaN or positive infinity, or nothing finite.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        shifted = logits - logits[np.arange(len(logits)), best][:, None]
        weights = np.exp(shifted)
        totals = weights.sum(axis=-1)
    # A finite total is impossible if the best logit is NaN or infinite, or if another is NaN.
    if not np.isfinite(totals).all():
        raise _not_finite()
    return Distribution(shifted, weights, totals)


def require_numbers(logits: FloatArray) -> None:
    """Raise InferenceError if any logit is NaN."""
    if np.isnan(logits).any():
        raise _not_finite()


def _not_finite() -> InferenceError:
    return InferenceError(
        "The network's outputs are not finite numbers. The model's files may be damaged, or its "
        "precision too low for this device; try fp32."
    )
