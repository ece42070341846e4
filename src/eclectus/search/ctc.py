"""Greedy search for CTC models: Graves et al. 2006, section 3.2.1, 'best path'.

The best label of each frame; repeats collapse, blanks drop. The tokens equal those of NeMo's
`GreedyBatchedCTCInfer` after its collapsing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eclectus.core.errors import IncompatibleModelError, InferenceError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import EncoderOutput, FloatArray, Hypothesis, IntArray
from eclectus.search.distribution import not_finite


@dataclass(frozen=True, slots=True)
class Run:
    """A label that is the best of consecutive frames.

    Attributes:
        token: The label.
        start: Its first frame in the stream.
        length: Frames.
        log_prob: Of its most certain frame.
        entropy: In nats, of the same frame.
    """

    token: int
    start: int
    length: int
    log_prob: float
    entropy: float

    def extended(self, other: Run) -> Run:
        """Join the part of the run that the next chunk holds."""
        surer = other if other.log_prob > self.log_prob else self
        length = self.length + other.length
        return Run(self.token, self.start, length, surer.log_prob, surer.entropy)


@dataclass(frozen=True, slots=True)
class CtcState:
    """What a CTC search carries from one chunk of a stream to the next.

    Attributes:
        runs: The run that is open at the end of each stream, if it is a token's.
        consumed: Frames of each stream so far.
    """

    runs: tuple[Run | None, ...]
    consumed: tuple[int, ...]


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
        lengths = self._lengths(encoded)
        return [self._search(encoded.frames[item, :n]) for item, n in enumerate(lengths)]

    def start(self, batch: int) -> CtcState:
        """Return the state of `batch` streams before their first frame."""
        return CtcState((None,) * batch, (0,) * batch)

    def advance(self, encoded: EncoderOutput, state: CtcState) -> tuple[list[Hypothesis], CtcState]:
        """Search the next chunk of each stream; any division into chunks finds the same.

        A run of equal labels may go on in the next chunk, so the last one is told with it, or by
        `end`.

        Args:
            encoded: Log-probabilities (B, S, V + 1); lengths may differ and may be 0.
            state: From `start` or from the last `advance`; it is left as it is.

        Raises:
            InferenceError: As for `__call__`.
        """
        hypotheses: list[Hypothesis] = []
        runs: list[Run | None] = []
        for item, length in enumerate(self._lengths(encoded)):
            held, consumed = state.runs[item], state.consumed[item]
            found, rest = self._continue(encoded.frames[item, :length], held, consumed)
            hypotheses.append(found)
            runs.append(rest)
        consumed_after = [
            before + length
            for before, length in zip(state.consumed, self._lengths(encoded), strict=True)
        ]
        return hypotheses, CtcState(tuple(runs), tuple(consumed_after))

    def end(self, state: CtcState) -> list[Hypothesis]:
        """Return the token of each stream's last run; its frames are in the score already."""
        return [_of_runs([run] if run is not None else [], 0.0) for run in state.runs]

    def join(self, states: list[CtcState]) -> CtcState:
        """Put the states of several batches into one, in order."""
        return CtcState(
            tuple(run for state in states for run in state.runs),
            tuple(count for state in states for count in state.consumed),
        )

    def row(self, state: CtcState, row: int) -> CtcState:
        """Return the state of one stream of a batch."""
        return CtcState((state.runs[row],), (state.consumed[row],))

    def _continue(
        self, log_probs: FloatArray, held: Run | None, consumed: int
    ) -> tuple[Hypothesis, Run | None]:
        """Search a chunk (S, V + 1) that follows a run; returns the run that is open after it."""
        if not len(log_probs):
            return Hypothesis.empty(), held
        whole = self._search(log_probs)
        rows = zip(
            whole.token_ids.tolist(),
            (whole.frames + consumed).tolist(),
            whole.durations.tolist(),
            whole.log_probs.tolist(),
            whole.entropies.tolist(),
            strict=True,
        )
        runs = [Run(*row) for row in rows]
        if held is not None:
            joins = bool(runs) and runs[0].start == consumed and runs[0].token == held.token
            runs = [held.extended(runs[0]), *runs[1:]] if joins else [held, *runs]
        last = consumed + len(log_probs)
        open_ = runs.pop() if runs and runs[-1].start + runs[-1].length == last else None
        return _of_runs(runs, whole.score), open_

    def _lengths(self, encoded: EncoderOutput) -> list[int]:
        """Return the length of each item, after checking the array."""
        _, longest, labels = encoded.frames.shape
        lengths: list[int] = np.asarray(encoded.lengths).tolist()
        if labels != self._config.vocabulary_size + 1 or max(lengths, default=0) > longest:
            raise InferenceError(
                f"The network returned an array of the shape {encoded.frames.shape} for lengths "
                f"{lengths} and a vocabulary of {self._config.vocabulary_size} and blank.",
                shape=encoded.frames.shape,
            )
        return lengths

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


def _of_runs(runs: Sequence[Run], score: float) -> Hypothesis:
    return Hypothesis(
        np.array([run.token for run in runs], np.int64),
        np.array([run.start for run in runs], np.int64),
        np.array([run.length for run in runs], np.int64),
        np.array([run.log_prob for run in runs], np.float32),
        np.array([run.entropy for run in runs], np.float32),
        score,
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
