"""Probabilities of single cells from their logits, in float32, without a full log-softmax.

Row by row over a vocabulary of thousands is as fast as over a batch: the rows stay in the cache.
"""

from __future__ import annotations

import math

import numpy as np

from eclectus.core.errors import InferenceError
from eclectus.core.types import FloatArray


class Softmax:
    """The softmax over C labels of one cell after the other, in memory that is used again.

    It belongs to one search call: threads must not share it.
    """

    def __init__(self, labels: int) -> None:
        """Prepare for rows of that many labels."""
        self._weights = np.empty(labels, np.float32)
        self._total = 1.0

    def log_prob(self, logits: FloatArray, best: int) -> float:
        """Return the natural log of the best label's probability.

        Args:
            logits: (C,) raw.
            best: Their argmax.

        Raises:
            InferenceError: There is NaN or positive infinity among them, or nothing finite.
        """
        # The argmax of anything with NaN is a NaN; a finite maximum makes every weight finite.
        if not math.isfinite(logits[best]):
            raise not_finite()
        weights = np.subtract(logits, logits[best], out=self._weights)
        np.exp(weights, out=weights)
        self._total = float(weights.sum())
        return -math.log(self._total)

    def entropy(self, logits: FloatArray, best: int) -> float:
        """Return the entropy in nats of the row that `log_prob` saw last.

        With x the logits minus the best one, w = exp(x) and Z their sum: log Z - sum(w x) / Z.
        """
        weights = self._weights
        with np.errstate(invalid="ignore"):
            moment = float(np.dot(weights, logits))
        if not math.isfinite(moment):  # A label with the logit -inf: 0 * log 0 counts as 0.
            possible = weights > 0.0
            moment = float(np.dot(weights[possible], logits[possible]))
        mean = moment / self._total - float(logits[best])
        return max(0.0, math.log(self._total) - mean)


def not_finite() -> InferenceError:
    """Return the error that tells that a network's outputs are no numbers."""
    return InferenceError(
        "The network's outputs are not finite numbers. The model's files may be damaged, or its "
        "precision too low for this device; try fp32."
    )
