"""Breaking words into balanced lines."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

# No full stop: within a segment it belongs to an abbreviation.
_PUNCTUATION = ",;:?!…、，。？！"
_SHORT_WORD = 3


def break_merit(word: str) -> float:
    """Rate a break after a word: 1 after punctuation, -0.6 after a short word, else 0.

    Short words (the, of, et, der) belong to what follows, in most languages.
    """
    if word[-1] in _PUNCTUATION:
        return 1.0
    return -0.6 if len(word) <= _SHORT_WORD and word.isalpha() else 0.0


def lines_needed(words: Sequence[str], width: int) -> int:
    """Return the fewest lines that hold the words; a word over the width has its own line."""
    lines, used = 1, -1
    for word in words:
        if used >= 0 and used + 1 + len(word) > width:
            lines, used = lines + 1, -1
        used += 1 + len(word)
    return lines


def wrap(words: Sequence[str], width: int) -> list[int]:
    """Break words into the fewest lines, as even as possible.

    Among even ways a break after punctuation wins, and a first line that is shorter than the
    second, as subtitlers have it.

    Returns:
        The positions at which a new line begins, none for one line.
    """
    count = lines_needed(words, width)
    ends = [0, *accumulate(len(word) + 1 for word in words)]

    def line_cost(begin: int, stop: int) -> float:
        length = ends[stop] - ends[begin] - 1
        overflow = 1e9 if length > width and stop - begin > 1 else 0.0
        merit = break_merit(words[stop - 1]) if stop < len(words) else 0.0
        # Among equals the earlier break wins (see the key below): the pyramid stands on its base.
        return overflow + (length / width) ** 2 - 0.15 * merit

    # table[stop]: the best (cost, breaks) of words[:stop] in the lines so far.
    table = {0: (0.0, [0])}
    for _ in range(count):
        table = {
            stop: min(
                (cost + line_cost(begin, stop), [*breaks, stop])
                for begin, (cost, breaks) in table.items()
                if begin < stop
            )
            for stop in range(1, len(words) + 1)
            if any(begin < stop for begin in table)
        }
    return table[len(words)][1][1:-1]
