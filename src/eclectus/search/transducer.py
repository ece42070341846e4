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

import math
from functools import cached_property

import numpy as np

from eclectus.core.errors import IncompatibleModelError, InferenceError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import GreedySearch
from eclectus.core.protocols import TransducerStep
from eclectus.core.types import EncoderOutput, FloatArray, Hypothesis
from eclectus.search.distribution import Softmax, not_finite
from eclectus.search.lanes import Lane, Lanes
from eclectus.search.look_ahead import FrameGrid, block_width
from eclectus.search.paths import Path
from eclectus.search.transducer_state import TransducerState

RNNT_WIDTH = 2
"""Frames of the first block after a token: RNN-T passes some three blanks before the next ..."""
TDT_WIDTH = 1
"""... and TDT jumps over most of them."""


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
            IncompatibleModelError: The head and the duration table contradict each other.
        """
        _check_durations(config)
        self._step = step
        self._config = config
        self._max_symbols = options.max_symbols
        self._durations = config.durations
        self._blank = config.blank_id
        self._labels = config.vocabulary_size + 1
        self._first_width = TDT_WIDTH if config.durations else RNNT_WIDTH

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
        lanes = Lanes(state, lengths, paths)
        if lanes.members:
            frames = self._project(encoded, lanes.members)
            softmax = Softmax(self._labels)
            while lanes.members:
                lanes.run_predictor(self._step)
                self._find_tokens(lanes, frames, softmax)
                lanes.retire()
        hypotheses = [path.hypothesis() for path in paths]
        shifted = [h.shift(int(n)) for h, n in zip(hypotheses, state.consumed, strict=True)]
        return shifted, lanes.state()

    def end(self, state: TransducerState) -> list[Hypothesis]:
        """Return nothing for each stream: every token was told with its frame."""
        return [Hypothesis.empty() for _ in range(len(state))]

    def join(self, states: list[TransducerState]) -> TransducerState:
        """Put the states of several batches into one, in order."""
        return TransducerState.concat(states)

    def row(self, state: TransducerState, row: int) -> TransducerState:
        """Return the state of one stream of a batch."""
        return state.take(np.array([row], np.int64))

    @cached_property
    def _start(self) -> TransducerState:
        """One stream after the predictor has seen the start of the sequence (blank)."""
        blank = np.array([self._blank], np.int64)
        predicted, predictor = self._step.predict(blank, self._step.initial_state(1))
        zero = np.zeros(1, np.int64)
        return TransducerState(predicted, predictor, blank, zero > 0, zero, zero)

    def _project(self, encoded: EncoderOutput, lanes: list[Lane]) -> FrameGrid:
        """Project the frames of those items that have any to search."""
        if len(lanes) < len(encoded.lengths):
            encoded = encoded.take(np.array([lane.item for lane in lanes], np.int64))
        projected = self._step.project(encoded)
        longest = max(lane.stop for lane in lanes)
        if len(projected) != len(lanes) or projected.shape[1] < longest:
            raise InferenceError(
                f"The encoder promised {longest} frames for {len(lanes)} items, but their "
                f"projection has the shape {projected.shape}.",
                shape=projected.shape,
            )
        return FrameGrid(projected)

    def _find_tokens(self, lanes: Lanes, frames: FrameGrid, softmax: Softmax) -> None:
        """Move every lane to its next token, or to its end over blanks."""
        seeking = lanes.members
        calls = 0
        while seeking:
            room = min([lane.room() for lane in seeking])
            width = block_width(len(seeking), calls, room, self._first_width)
            logits = self._joint(frames.block(seeking, width), lanes.predicted(seeking))
            seeking = [
                lane
                for lane, rows in zip(seeking, logits, strict=True)
                if not self._walk(lane, rows, softmax) and lane.active
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

    def _walk(self, lane: Lane, rows: FloatArray, softmax: Softmax) -> bool:
        """Move a lane through its block (F, V + 1 + K), its stride apart.

        Returns:
            Whether it came to a token; else it stands where the block says nothing.
        """
        stride, frame = lane.stride, 0
        while True:
            position, between = divmod(frame, stride)
            if between or position >= len(rows):
                return False
            scores = rows[position, : self._labels]
            label = int(scores.argmax())
            log_prob = softmax.log_prob(scores, label)
            jump = self._jump(rows[position])
            if label != self._blank:
                entropy = softmax.entropy(scores, label)
                duration = jump if self._durations else 1
                lane.path.emit(label, lane.at, duration, log_prob, entropy)
                lane.emit(label, jump, self._max_symbols)
                return True
            lane.path.pass_blank(log_prob)
            jump = max(jump, 1)
            lane.pass_blank(jump)
            frame += jump

    def _jump(self, logits: FloatArray) -> int:
        """Look the best duration up in the table; RNN-T has none and stays."""
        if not self._durations:
            return 0
        choices = logits[self._labels :]
        choice = int(choices.argmax())
        if math.isnan(choices[choice]):
            raise not_finite()
        return self._durations[choice]


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
