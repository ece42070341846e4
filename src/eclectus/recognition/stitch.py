"""Joining the hypotheses of overlapping windows, on token ids and frames.

Both windows saw the overlap. Where they found the same tokens at (nearly) the same frames, the seam
goes through one of these, the nearest to the overlap's middle, so that each window speaks where its
own edge is far. Where they agree on nothing, the seam is the middle, moved to the edge of a word.
"""

from __future__ import annotations

from collections.abc import Callable

from eclectus.core.types import Hypothesis

TOLERANCE = 3
"""Frames by which two windows may differ about one token (0.24 s)."""

StartsWord = Callable[[int], bool]
_Pair = tuple[int, int]


class Stitcher:
    """Takes the windows of one file in order and gives one hypothesis.

    What is pushed must be in absolute frames. Only the part that a later window can still change
    is looked at again, so the work is linear in the length of the file.
    """

    def __init__(self, starts_word: StartsWord) -> None:
        """Begin a file.

        Args:
            starts_word: Tells whether a token id begins a word.
        """
        self._starts_word = starts_word
        self._parts: list[Hypothesis] = []
        self._last = Hypothesis.empty()

    def push(self, hypothesis: Hypothesis, start: int, previous_stop: int) -> None:
        """Add the next window.

        Args:
            hypothesis: Its tokens, in absolute frames.
            start: Its first frame.
            previous_stop: One past the last frame of the window before; the overlap is
                [start, previous_stop), empty if they only touch.
        """
        left = self._last
        first = _first_at(left, start)
        head, tail = left.slice(0, first), left.slice(first, len(left))
        keep, skip = join_point(tail, hypothesis, start, previous_stop, self._starts_word)
        self._parts += [head, tail.slice(0, keep)]
        self._last = _not_before(tail.slice(0, keep), hypothesis.slice(skip, len(hypothesis)))

    def finish(self) -> Hypothesis:
        """Return the whole file's hypothesis."""
        return Hypothesis.concat([*self._parts, self._last])


def join_point(
    left: Hypothesis, right: Hypothesis, start: int, stop: int, starts_word: StartsWord
) -> tuple[int, int]:
    """Find the seam of two hypotheses over the overlap [start, stop) of their windows.

    Args:
        left: Tokens of the earlier window from `start` on.
        right: Tokens of the later window.
        start: First frame of the overlap.
        stop: One past its last frame.
        starts_word: Tells whether a token id begins a word.

    Returns:
        How many tokens of the left to keep, how many of the right to skip.
    """
    if stop <= start:
        return len(left), 0
    in_overlap = _first_at(right, stop)
    middle = (start + stop) / 2
    pairs = _align(left, right.slice(0, in_overlap))
    run = _best_run(pairs, left, middle)
    if run:
        i, j = min(run, key=lambda pair: abs(int(left.frames[pair[0]]) - middle))
        return i + 1, j + 1
    return _cut_at(middle, left, right, starts_word)


def _best_run(pairs: list[_Pair], left: Hypothesis, middle: float) -> list[_Pair]:
    """Choose the longest run of neighbours; else, of equals, the one nearest to the middle."""
    runs: list[list[_Pair]] = []
    for pair in pairs:
        if runs and (runs[-1][-1][0] + 1, runs[-1][-1][1] + 1) == pair:
            runs[-1].append(pair)
        else:
            runs.append([pair])

    def merit(run: list[_Pair]) -> tuple[int, float]:
        return len(run), -min(abs(int(left.frames[i]) - middle) for i, _ in run)

    return max(runs, key=merit, default=[])


def _align(left: Hypothesis, right: Hypothesis) -> list[_Pair]:
    """Longest common subsequence of two token streams, equal ids at nearly equal frames only.

    Of several, the one whose frames differ least in sum: repeated words are told apart by time.
    """
    rows, columns = len(left), len(right)
    ids, frames = left.token_ids.tolist(), left.frames.tolist()
    other_ids, other_frames = right.token_ids.tolist(), right.frames.tolist()
    # best[i][j]: (matches, minus the sum of differences) of left[i:] and right[j:]
    best = [[(0, 0)] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            value = max(best[i + 1][j], best[i][j + 1])
            apart = abs(frames[i] - other_frames[j])
            if ids[i] == other_ids[j] and apart <= TOLERANCE:
                matches, closeness = best[i + 1][j + 1]
                value = max(value, (matches + 1, closeness - apart))
            best[i][j] = value
    pairs, i, j = [], 0, 0
    while i < rows and j < columns and best[i][j][0]:
        apart = abs(frames[i] - other_frames[j])
        matches, closeness = best[i + 1][j + 1]
        takes = ids[i] == other_ids[j] and apart <= TOLERANCE
        if takes and best[i][j] == (matches + 1, closeness - apart):
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _cut_at(
    middle: float, left: Hypothesis, right: Hypothesis, starts_word: StartsWord
) -> tuple[int, int]:
    """Cut between words: the left's up to the middle, then the right's that begin after them."""
    keep = _first_at(left, middle)
    # The word that the middle cuts stays whole.
    while 0 < keep < len(left) and not starts_word(int(left.token_ids[keep])):
        keep += 1
    begin = max(middle, int(left.frames[keep - 1]) + 1) if keep else middle
    skip = _first_at(right, begin)
    if not keep:
        # The left heard nothing here: a word that the right has across the middle is whole there.
        while skip > 0 and not starts_word(int(right.token_ids[skip])) if skip < len(right) else 0:
            skip -= 1
        return keep, skip
    while skip < len(right) and not starts_word(int(right.token_ids[skip])):
        skip += 1
    return keep, skip


def _first_at(hypothesis: Hypothesis, frame: float) -> int:
    """Position of the first token at or after a frame."""
    return int(hypothesis.frames.searchsorted(frame))


def _not_before(left: Hypothesis, right: Hypothesis) -> Hypothesis:
    """Lift the right's frames to the left's last one: the two may differ by the tolerance."""
    if not len(left) or not len(right):
        return right
    return right.lift(int(left.frames[-1]))
