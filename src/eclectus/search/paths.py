"""The tokens that a search has found so far, item by item."""

from __future__ import annotations

import numpy as np

from eclectus.core.types import Hypothesis


class Path:
    """The growing hypothesis of one item."""

    __slots__ = ("_durations", "_entropies", "_frames", "_log_probs", "_score", "_token_ids")

    def __init__(self) -> None:
        self._token_ids: list[int] = []
        self._frames: list[int] = []
        self._durations: list[int] = []
        self._log_probs: list[float] = []
        self._entropies: list[float] = []
        self._score = 0.0

    def pass_blank(self, log_prob: float) -> None:
        """Note a blank: it counts in the score only."""
        self._score += log_prob

    def emit(self, token: int, frame: int, duration: int, log_prob: float, entropy: float) -> None:
        """Append a token."""
        self._token_ids.append(token)
        self._frames.append(frame)
        self._durations.append(duration)
        self._log_probs.append(log_prob)
        self._entropies.append(entropy)
        self._score += log_prob

    def hypothesis(self) -> Hypothesis:
        """Return what was found as arrays."""
        return Hypothesis(
            np.array(self._token_ids, np.int64),
            np.array(self._frames, np.int64),
            np.array(self._durations, np.int64),
            np.array(self._log_probs, np.float32),
            np.array(self._entropies, np.float32),
            self._score,
        )
