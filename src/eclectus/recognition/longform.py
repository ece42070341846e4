"""Dividing a source of audio into windows, as its samples arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from eclectus.core.choices import WindowPlan
from eclectus.core.errors import OptionError
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import LongFormOptions
from eclectus.core.types import FloatArray, Window

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
    """Turn seconds into whole frames.

    A window that the encoder can't take is shortened to what it takes, and the overlap with it:
    the limit is the model's, and the length of windows changes the text near the seams only.

    Raises:
        OptionError: A length is not positive, or the overlap does not leave half of the window.
    """
    base = config.time_base
    window_s, overlap_s = options.window_s, options.overlap_s
    if config.max_window_s is not None and window_s > config.max_window_s - base.frame_s:
        # One frame less: a rest of less than a frame may join the last window.
        longest_s = config.max_window_s - base.frame_s
        window_s, overlap_s = longest_s, overlap_s * longest_s / window_s
    window = base.sample_of(base.whole_frames(window_s))
    overlap = base.sample_of(base.whole_frames(overlap_s))
    if window <= 0 or options.overlap_s < 0:
        raise OptionError(
            f"A window of {options.window_s} s with an overlap of {options.overlap_s} s is "
            f"impossible; a window has at least one frame ({base.frame_s} s), an overlap 0 s.",
            window_s=options.window_s,
            overlap_s=options.overlap_s,
        )
    if 2 * overlap > window:
        raise OptionError(
            f"An overlap of {options.overlap_s} s is more than half of the window "
            f"({window / base.sample_rate:g} s); choose a shorter overlap or a longer window.",
            window_s=window / base.sample_rate,
            overlap_s=options.overlap_s,
        )
    return Plan(window, overlap, options.plan is WindowPlan.PAUSES)


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
