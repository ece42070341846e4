"""Greedy search for RNN-T and TDT models: one batched label-looping search.

RNN-T: Graves 2012, arXiv:1211.3711. TDT: Xu et al. 2023, arXiv:2304.06795. Label looping:
Bataev et al. 2024, arXiv:2406.06220; the tokens, frames and durations equal those of NeMo's
`GreedyBatchedTDTInfer` and `GreedyBatchedRNNTInfer` for each item searched alone.

At frame s the joint scores V tokens and blank, and with TDT also K durations. The best label and
the best duration d = durations[argmax] are taken independently, ties to the lower index:

- blank: s += max(d, 1);
- token: it is emitted at s, then s += d. With d = 0 the search stays; after `max_symbols` tokens at
  one frame it is pushed one frame on. RNN-T is the case that d = 0 always.

The loop runs over labels, not frames: in each outer step every active item looks for its next
token, then the predictor runs once, for those items that emitted and still have frames. An item
without frames is never evaluated.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from eclectus.core.config import Head, ModelConfig
from eclectus.core.errors import IncompatibleModelError, InferenceError, OptionError
from eclectus.core.options import GreedySearch
from eclectus.core.protocols import TransducerStep
from eclectus.core.types import EncoderOutput, FloatArray, Hypothesis, IntArray
from eclectus.search.distribution import Distribution, distribution, require_numbers
from eclectus.search.lanes import Lanes
from eclectus.search.look_ahead import FrameGrid, Walk, block_width, walk
from eclectus.search.paths import Path
from eclectus.search.transducer_state import TransducerState


class TransducerSearch:
    """Greedy RNN-T or TDT search over batches; holds no state of its own, so threads may share it.

    A hypothesis' log-probabilities and entropies are those of the softmax over the V tokens and
    blank at the emission; durations do not enter. Its score sums the log-probabilities of all
    labels on the path, blanks included; cells that only look-ahead touched do not count.
    """

    def __init__(self, step: TransducerStep, config: ModelConfig, options: GreedySearch) -> None:
        """Search with a model's predictor and joint.

        Args:
            step: Predictor and joint.
            config: The model's card: vocabulary size and duration table.
            options: The cap on emissions per frame.

        Raises:
            OptionError: `max_symbols` is less than 1.
            IncompatibleModelError: The head and the duration table contradict each other.
        """
        if options.max_symbols < 1:
            raise OptionError(
                f"max_symbols is {options.max_symbols}; at least 1 is needed to emit anything.",
                max_symbols=options.max_symbols,
            )
        _check_durations(config)
        self._step = step
        self._config = config
        self._max_symbols = options.max_symbols
        self._durations = np.array(config.durations, np.int64)
        self._labels = config.vocabulary_size + 1

    def __call__(self, encoded: EncoderOutput) -> list[Hypothesis]:
        """Search whole utterances.

        Args:
            encoded: (B, S, D) with B >= 0; items of length 0 give empty hypotheses.

        Returns:
            One hypothesis an item, in order; frames count from the item's start.

        Raises:
            InferenceError: The network returned NaN or infinities, or arrays of a wrong shape.
        """
        if not np.any(encoded.lengths):
            return [Hypothesis.empty() for _ in encoded.lengths]
        return self.advance(encoded, self.start(len(encoded.lengths)))[0]

    def start(self, batch: int) -> TransducerState:
        """Return the state of `batch` streams before their first frame."""
        return self._start.take(np.zeros(batch, np.int64))

    def advance(
        self, encoded: EncoderOutput, state: TransducerState
    ) -> tuple[list[Hypothesis], TransducerState]:
        """Search the next chunk of each stream; any division into chunks finds the same.

        Args:
            encoded: (B, S, D), the frames after those of earlier chunks; lengths may differ and
                may be 0.
            state: From `start` or from the last `advance`; it is left as it is.

        Returns:
            The hypotheses of this chunk alone, frames counted from the beginning of each stream;
            and the state after it. `Hypothesis.concat` joins the parts.

        Raises:
            InferenceError: As for `__call__`.
        """
        lengths = np.asarray(encoded.lengths, np.int64)
        paths = [Path() for _ in lengths]
        lanes = Lanes(state, lengths)
        if len(lanes):
            frames = self._project(encoded, lanes.items)
            while len(lanes):
                lanes.run_predictor(self._step)
                self._find_tokens(lanes, frames, paths)
                lanes.retire()
        hypotheses = [path.hypothesis() for path in paths]
        shifted = [h.shift(int(n)) for h, n in zip(hypotheses, state.consumed, strict=True)]
        return shifted, lanes.state()

    @cached_property
    def _start(self) -> TransducerState:
        """One stream after the predictor has seen the start of the sequence (blank)."""
        blank = np.array([self._config.blank_id], np.int64)
        predicted, predictor = self._step.predict(blank, self._step.initial_state(1))
        zero = np.zeros(1, np.int64)
        return TransducerState(predicted, predictor, blank, zero > 0, zero, zero)

    def _project(self, encoded: EncoderOutput, items: list[int]) -> FrameGrid:
        """Project the frames of those items that have any to search."""
        if len(items) < len(encoded.lengths):
            encoded = encoded.take(np.array(items, np.int64))
        projected = self._step.project(encoded)
        if len(projected) != len(items) or projected.shape[1] < max(encoded.lengths):
            raise InferenceError(
                f"The encoder promised {max(encoded.lengths)} frames for each of {len(items)} "
                f"items, but their projection has the shape {projected.shape}.",
                shape=projected.shape,
            )
        return FrameGrid(projected)

    def _find_tokens(self, lanes: Lanes, frames: FrameGrid, paths: list[Path]) -> None:
        """Move every lane to its next token, or to its end over blanks."""
        seeking = list(range(len(lanes)))
        calls = 0
        while seeking:
            at = [lanes.at[lane] for lane in seeking]
            room = min(lanes.stop[lane] - lanes.at[lane] for lane in seeking)
            width = block_width(len(seeking), calls, room)
            block = frames.block([lanes.rows[lane] for lane in seeking], at, width)
            logits = self._joint(block, lanes.predicted(seeking))
            found = self._visit(logits, lanes, seeking, paths)
            seeking = [
                lane
                for lane, token in zip(seeking, found, strict=True)
                if not token and lanes.has_frames(lane)
            ]
            calls += 1

    def _joint(self, block: FloatArray, predicted: FloatArray) -> FloatArray:
        logits = self._step.joint(block, predicted)
        expected = (*block.shape[:2], self._labels + len(self._durations))
        if logits.shape != expected:
            raise InferenceError(
                f"The joint network returned an array of the shape {logits.shape} where "
                f"{expected} was due. Its files do not belong to this model's vocabulary of "
                f"{self._config.vocabulary_size} and {len(self._durations)} durations.",
                shape=logits.shape,
                expected=expected,
            )
        return logits

    def _visit(
        self, logits: FloatArray, lanes: Lanes, seeking: list[int], paths: list[Path]
    ) -> list[bool]:
        """Walk every seeker through its block (n, F), and say which have found a token."""
        labels = logits[..., : self._labels].argmax(axis=-1)
        rows = zip(labels.tolist(), self._jumps(logits).tolist(), strict=True)
        walks = [walk(row, jumps, self._config.blank_id) for row, jumps in rows]
        chances = self._chances(logits, labels, walks)
        log_probs = chances.log_probs()
        cell = 0
        for lane, way in zip(seeking, walks, strict=True):
            path = paths[lanes.items[lane]]
            blanks = len(way.visited) - (way.token is not None)
            path.pass_blanks(log_probs[cell : cell + blanks])
            lanes.pass_blanks(lane, way.end)
            cell += blanks
            if way.token is not None:
                duration = way.jump if len(self._durations) else 1
                entropy = chances.entropy(cell)
                path.emit(way.token, lanes.at[lane], duration, log_probs[cell], entropy)
                lanes.emit(lane, way.token, way.jump, self._max_symbols)
                cell += 1
        return [way.token is not None for way in walks]

    def _jumps(self, logits: FloatArray) -> IntArray:
        """Look the best durations (n, F) up in the table; RNN-T has none and stays."""
        if not len(self._durations):
            return np.zeros(logits.shape[:2], np.int64)
        jumps: IntArray = self._durations[logits[..., self._labels :].argmax(axis=-1)]
        return jumps

    def _chances(self, logits: FloatArray, labels: IntArray, walks: list[Walk]) -> Distribution:
        """Describe the distributions of the visited cells, in the order of the walks."""
        rows = [row for row, way in enumerate(walks) for _ in way.visited]
        columns = [column for way in walks for column in way.visited]
        cells = logits[rows, columns]  # (n, V + 1 + K)
        require_numbers(cells[:, self._labels :])
        return distribution(cells[:, : self._labels], labels[rows, columns])


def _check_durations(config: ModelConfig) -> None:
    """Refuse a card whose head and duration table contradict each other."""
    if config.head is Head.CTC:
        raise IncompatibleModelError(f"The model {config.name} has a CTC head, not a transducer.")
    if (config.head is Head.TDT) != bool(config.durations):
        raise IncompatibleModelError(
            f"The model {config.name} is {config.head.upper()}, which goes "
            f"{'with' if config.head is Head.TDT else 'without'} a table of durations; "
            f"its card has {config.durations}.",
            durations=config.durations,
        )
    if any(duration < 0 for duration in config.durations):
        raise IncompatibleModelError(
            f"The durations {config.durations} of the model {config.name} go back in time.",
            durations=config.durations,
        )
