"""Dividing a source of audio into windows, as its samples arrive."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from eclectus.core.choices import WindowPlan
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import LongFormOptions
from eclectus.core.types import FloatArray, Window

LOG = logging.getLogger(__name__)
_DEFAULT_WINDOW_S = 60.0
_OVERLAP = 0.1
"""Share of a window that overlaps the next; less than two seconds hold too few words to join ..."""
_LEAST_OVERLAP_S = 2.0
_MOST_OVERLAP_S = 6.0
"""... and more than six cost time and join no better."""

FindPause = Callable[[FloatArray], int | None]
"""From the samples of a window to a sample in a pause near its end, None if there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A window with its samples.

    Attributes:
        window: Its position in the source.
        samples: (window.stop - window.start,) float32.
        last: True for the last window of the source.
    """

    window: Window
    samples: FloatArray
    last: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """Lengths in samples, all whole encoder frames.

    Attributes:
        window: Longest window.
        overlap: What neighbours share where they don't meet in a pause.
        pauses: Whether pauses are looked for.
    """

    window: int
    overlap: int
    pauses: bool


def make_plan(options: LongFormOptions, config: ModelConfig) -> Plan:
    """Turn seconds into whole frames; what the options leave open follows from the rest.

    A window that the encoder can't take is shortened to what it takes, with a warning where it was
    asked for: the limit is the model's, and one configuration serves all models. An overlap that
    no longer fits is shortened with it.
    """
    base = config.time_base
    wanted = _DEFAULT_WINDOW_S if options.window_s is None else options.window_s or math.inf
    # One frame less: a rest of less than a frame may join the last window.
    longest = math.inf if config.max_window_s is None else config.max_window_s - base.frame_s
    if wanted > longest and options.window_s is not None:
        _warn_of_limit(config.name, options.window_s, longest)
    window_s = min(wanted, longest)
    if math.isinf(window_s):
        return Plan(sys.maxsize, 0, pauses=False)
    window = base.sample_of(max(1, base.whole_frames(window_s)))
    overlap_s = options.overlap_s
    if overlap_s is None:
        overlap_s = min(max(_OVERLAP * window_s, _LEAST_OVERLAP_S), _MOST_OVERLAP_S, window_s / 4)
    overlap = base.sample_of(base.whole_frames(min(overlap_s, window_s / 2)))
    return Plan(window, min(overlap, window // 2), options.plan is WindowPlan.PAUSES)


@cache
def _warn_of_limit(model: str, window_s: float, longest_s: float) -> None:
    """Warn once per model and window: a server plans thousands of files alike."""
    asked = f"windows of {window_s:g} s" if window_s else "longer files, in one window each,"
    LOG.warning("%s takes %g s at once; %s are divided accordingly", model, longest_s, asked)


def cut_windows(
    blocks: Iterable[FloatArray], plan: Plan, frame: int, find_pause: FindPause | None = None
) -> Iterator[Piece]:
    """Divide samples into windows as they arrive.

    Never more than one window and one block are held. Audio that fits one window is one window.

    Args:
        blocks: Samples (n,) in order.
        plan: Lengths.
        frame: Samples of an encoder frame; windows start on whole ones.
        find_pause: Where to divide, for a plan with pauses.

    Yields:
        At least one piece, that of an empty source having no samples.
    """
    buffer = _Buffer()
    start, keep_from = 0, 0
    for block in _at_most(blocks, plan.window):
        buffer.append(block)
        # A rest shorter than a frame is no window of its own: it joins the one before.
        while len(buffer) >= plan.window + frame:
            samples = buffer.take(plan.window)
            stop, advance = _divide(samples, plan, frame, find_pause)
            keep_to = start + (stop + advance) // 2
            yield Piece(Window(start, start + stop, keep_from, keep_to), samples[:stop], False)
            buffer.drop(advance)
            start, keep_from = start + advance, keep_to
    rest = buffer.take(len(buffer))
    stop = start + len(rest)
    yield Piece(Window(start, stop, keep_from, stop), rest, True)


def _at_most(blocks: Iterable[FloatArray], length: int) -> Iterator[FloatArray]:
    """Divide long blocks, so that the work at the buffer stays linear."""
    for block in blocks:
        for start in range(0, len(block), length):
            yield block[start : start + length]


def _divide(
    samples: FloatArray, plan: Plan, frame: int, find_pause: FindPause | None
) -> tuple[int, int]:
    """Return where a window stops and where the next one starts, in its own samples."""
    if plan.pauses and find_pause is not None:
        pause = find_pause(samples)
        if pause is not None and (cut := pause // frame * frame) > 0:
            return cut, cut
    return plan.window, plan.window - plan.overlap


class _Buffer:
    """Samples that have arrived and are still needed."""

    def __init__(self) -> None:
        self._blocks: list[FloatArray] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, block: FloatArray) -> None:
        self._blocks.append(block)
        self._length += len(block)

    def take(self, count: int) -> FloatArray:
        """Return the first samples as an array of its own."""
        whole = np.concatenate([np.zeros(0, np.float32), *self._blocks])
        self._blocks = [whole]
        return whole[:count].copy()

    def drop(self, count: int) -> None:
        whole = np.concatenate([np.zeros(0, np.float32), *self._blocks])[count:]
        self._blocks, self._length = [whole.copy()], len(whole)
