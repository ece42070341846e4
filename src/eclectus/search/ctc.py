"""Greedy search for CTC models: Graves et al. 2006, section 3.2.1, 'best path'.

The best label of each frame; repeats collapse, blanks drop. The tokens equal those of NeMo's
`GreedyBatchedCTCInfer` after its collapsing.
"""

from __future__ import annotations

import numpy as np

from eclectus.core.config import Head, ModelConfig
from eclectus.core.errors import IncompatibleModelError, InferenceError
from eclectus.core.types import EncoderOutput, FloatArray, Hypothesis, IntArray
from eclectus.search.distribution import not_finite


class CtcSearch:
    """Greedy CTC search; holds no state, so threads may share it.

    Of each token: its frame is the first of its run, its duration the length of the run, its
    log-probability and entropy those of the run's most certain frame. The score sums the best
    labels' log-probabilities over all frames, blanks included.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Search the outputs of a model.

        Raises:
            IncompatibleModelError: The model has no CTC head.
        """
        if config.head is not Head.CTC:
            raise IncompatibleModelError(
                f"The model {config.name} has a {config.head.upper()} head, not CTC."
            )
        self._config = config

    def __call__(self, encoded: EncoderOutput) -> list[Hypothesis]:
        """Search whole utterances.

        Args:
            encoded: Log-probabilities (B, S, V + 1), blank last; B and lengths may be 0.

        Returns:
            One hypothesis an item, in order; frames count from the item's start.

        Raises:
            InferenceError: The network returned NaN, or an array of a wrong shape.
        """
        batch, longest, labels = encoded.frames.shape
        lengths = np.asarray(encoded.lengths).tolist()
        if labels != self._config.vocabulary_size + 1 or max(lengths, default=0) > longest:
            raise InferenceError(
                f"The network returned an array of the shape {encoded.frames.shape} for lengths "
                f"{lengths} and a vocabulary of {self._config.vocabulary_size} and blank.",
                shape=encoded.frames.shape,
            )
        return [self._search(encoded.frames[item, : lengths[item]]) for item in range(batch)]

    def _search(self, log_probs: FloatArray) -> Hypothesis:
        """Search one item (S, V + 1)."""
        if not len(log_probs):
            return Hypothesis.empty()
        labels = log_probs.argmax(axis=-1)
        best = log_probs[np.arange(len(labels)), labels]
        if not np.isfinite(best).all():
            raise not_finite()
        starts, lengths = _runs(labels)
        tokens = labels[starts] != self._config.blank_id
        starts, lengths = starts[tokens], lengths[tokens]
        peaks = _peaks(best, starts, lengths)
        return Hypothesis(
            labels[starts].astype(np.int64),
            starts,
            lengths,
            best[peaks].astype(np.float32),
            _entropies(log_probs[peaks]),
            float(best.sum(dtype=np.float64)),
        )


def _runs(labels: IntArray) -> tuple[IntArray, IntArray]:
    """Return where each run of equal labels starts, and how long it is."""
    changes = np.flatnonzero(np.diff(labels)) + 1
    starts = np.concatenate([[0], changes]).astype(np.int64)
    return starts, np.diff(starts, append=len(labels))


def _peaks(best: FloatArray, starts: IntArray, lengths: IntArray) -> IntArray:
    """Return the most certain frame of each run."""
    runs = zip(starts.tolist(), lengths.tolist(), strict=True)
    peaks = [start + int(best[start : start + length].argmax()) for start, length in runs]
    return np.array(peaks, np.int64)


def _entropies(log_probs: FloatArray) -> FloatArray:
    """Return the entropy (n,) in nats of distributions (n, V + 1); 0 * log 0 counts as 0."""
    finite = np.maximum(log_probs, np.float32(-1e4))
    entropies: FloatArray = -(np.exp(log_probs) * finite).sum(axis=-1, dtype=np.float32)
    return np.maximum(entropies, np.float32(0.0))
