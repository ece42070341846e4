"""Where a window can be divided without cutting a word."""

from __future__ import annotations

from eclectus.core.types import FloatArray
from eclectus.signal.spans import Span, pauses
from eclectus.signal.vad import speech_spans

SHORTEST_PAUSE = 3_200
"""Samples (0.2 s): shorter gaps are found inside words."""


def find_pause(samples: FloatArray) -> int | None:
    """Find the middle of the longest pause in the second half of a window.

    The second half, so that windows don't become many and short.

    Args:
        samples: (n,) mono float32 at 16 kHz.

    Returns:
        An index into the samples; None if there is no pause.
    """
    half = len(samples) // 2
    found = pauses(speech_spans(samples), len(samples))
    late = [Span(max(pause.start, half), pause.stop) for pause in found if pause.stop > half]
    longest = max(late, key=len, default=None)
    if longest is None or len(longest) < SHORTEST_PAUSE:
        return None
    return longest.middle
