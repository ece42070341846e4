"""Joining the hypotheses of overlapping windows, on token ids and frames.

Both windows saw the overlap. Where they found the same tokens at (nearly) the same frames, the seam
goes through one of these, the nearest to the overlap's middle, so that each window speaks where its
own edge is far. Neighbours that agree are trusted before a single token that may agree by chance.
Where nothing agrees, the seam is the middle, moved to the edge of a word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eclectus.core.types import Hypothesis

TOLERANCE = 3
"""Frames by which two windows may differ about one token (0.24 s)."""

ENOUGH = 2
"""Length of a run of equal tokens that is sufficient evidence; longer runs count no more."""

_REACH = 12
"""Frames by which the seam may move to the edge of a word (1 s); not all scripts mark words."""

StartsWord = Callable[[int], bool]
_Pair = tuple[int, int]
_Chain = tuple[int, int, Any]
"""Matches, minus the sum of their frames' differences, and the pairs: (pair, pairs before)."""


class Stitcher:
    """Joins the windows of one file, in order, into one hypothesis.

    Hypotheses are pushed in absolute frames. Only the part that a later window can still change
    is examined again, so the work is linear in the length of the file.
    """

    def __init__(self, starts_word: StartsWord) -> None:
        """Begin a file.

        Args:
            starts_word: Returns whether a token id begins a word.
        """
        self._starts_word = starts_word
        self._parts: list[Hypothesis] = []
        self._last = Hypothesis.empty()
        self._taken = 0  # parts
        self._ahead = 0  # tokens of what comes after these

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

    def take(self, before: int | None) -> Hypothesis:
        """Return the tokens that no later window can change, without those of earlier calls.

        Args:
            before: First frame at which a later window may begin; None if there is no later one.
        """
        count = len(self._last) if before is None else _first_at(self._last, before)
        fresh = Hypothesis.concat([*self._parts[self._taken :], self._last.slice(0, count)])
        taken, self._taken, self._ahead = self._ahead, len(self._parts), count
        return fresh.slice(taken, len(fresh))

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
        starts_word: Returns whether a token id begins a word.

    Returns:
        How many tokens of the left to keep, how many of the right to skip.
    """
    if stop <= start:
        return len(left), 0
    middle = (start + stop) / 2
    pairs = _align(left, right.slice(0, _first_at(right, stop)))
    run = _best_run(pairs, left, middle)
    if run:
        i, j = min(run, key=lambda pair: abs(int(left.frames[pair[0]]) - middle))
        return i + 1, j + 1
    return _Words(starts_word).cut(left, right, start, stop)


def _best_run(pairs: list[_Pair], left: Hypothesis, middle: float) -> list[_Pair]:
    """Choose, of the runs of at least `ENOUGH` equal tokens, the one nearest to the middle.

    If there is none, choose the longest run.
    """
    runs: list[list[_Pair]] = []
    for pair in pairs:
        if runs and (runs[-1][-1][0] + 1, runs[-1][-1][1] + 1) == pair:
            runs[-1].append(pair)
        else:
            runs.append([pair])

    def merit(run: list[_Pair]) -> tuple[int, float]:
        return min(len(run), ENOUGH), -min(abs(int(left.frames[i]) - middle) for i, _ in run)

    return max(runs, key=merit, default=[])


def _align(left: Hypothesis, right: Hypothesis) -> list[_Pair]:
    """Longest common subsequence of two token streams, equal ids at nearly equal frames only.

    Of several, the one with the smallest sum of frame differences: time distinguishes repeated
    words.
    As frames don't decrease, each token has its partners in a narrow band of the other stream, and
    the work grows with the length of the overlap, not with its square.
    """
    ids, frames = right.token_ids.tolist(), right.frames.tolist()
    bands = right.frames.searchsorted([left.frames - TOLERANCE, left.frames + TOLERANCE + 1])
    best: list[_Chain] = [(0, 0, None)] * len(right)  # that end in each token of the right
    before_band: _Chain = (0, 0, None)
    settled = 0
    for i, (token_id, frame) in enumerate(
        zip(left.token_ids.tolist(), left.frames.tolist(), strict=True)
    ):
        low, high = int(bands[0, i]), int(bands[1, i])
        for j in range(settled, low):
            before_band = _better(before_band, best[j])
        settled = max(settled, low)
        before = before_band
        for j in range(low, high):
            matches, closeness, pairs = before
            before = _better(before, best[j])
            if ids[j] == token_id:
                chain = matches + 1, closeness - abs(frame - frames[j]), ((i, j), pairs)
                best[j] = _better(best[j], chain)
    chosen = before_band
    for chain in best[settled:]:
        chosen = _better(chosen, chain)
    return _unlinked(chosen)


def _better(one: _Chain, other: _Chain) -> _Chain:
    return other if other[:2] > one[:2] else one


def _unlinked(chain: _Chain) -> list[_Pair]:
    pairs: list[_Pair] = []
    link = chain[2]
    while link is not None:
        pair, link = link
        pairs.append(pair)
    return pairs[::-1]


class _Words:
    """Cuts between words, where two windows agree on nothing."""

    def __init__(self, starts_word: StartsWord) -> None:
        self._starts_word = starts_word

    def cut(self, left: Hypothesis, right: Hypothesis, start: int, stop: int) -> tuple[int, int]:
        """Return how many tokens of the left to keep, how many of the right to skip."""
        seam = (start + stop) / 2
        keep = _first_at(left, seam)
        begin, end = self._around(left, keep)
        if begin < keep < end:
            # The left has a word across the middle: the window whose edge is farther gives it.
            early, late = int(left.frames[begin]) - start, stop - 1 - int(left.frames[end - 1])
            if late >= early or not self._begins(left, begin):
                keep = end
            else:
                keep, seam = begin, float(left.frames[begin] - TOLERANCE)
        after = int(left.frames[keep - 1]) if keep else start - 1
        skip = _first_at(right, max(seam, after + 1))
        return keep, self._skip_half(right, skip, after if keep else None)

    def _skip_half(self, right: Hypothesis, skip: int, after: int | None) -> int:
        """Move the start of the right off the middle of a word.

        To the word's start, if the left, which ends at `after`, can't have heard it (None: it heard
        nothing); else past the word.
        """
        begin, end = self._around(right, skip)
        if begin == skip == end or self._begins(right, skip):
            return skip
        if after is None or (
            self._begins(right, begin) and right.frames[begin] > after + TOLERANCE
        ):
            return begin
        return end

    def _begins(self, hypothesis: Hypothesis, position: int) -> bool:
        return self._starts_word(int(hypothesis.token_ids[position]))

    def _around(self, hypothesis: Hypothesis, position: int) -> tuple[int, int]:
        """Return the word that the token at a position goes on with, (position, position) if none.

        None where the token begins a word or there is none, and where no word begins within reach.
        """
        count = len(hypothesis)
        if position >= count or self._begins(hypothesis, position):
            return position, position
        begin, end, frame = position, position, int(hypothesis.frames[position])
        while begin > 0 and not self._begins(hypothesis, begin):
            begin -= 1
        while end < count and not self._begins(hypothesis, end):
            end += 1
        if frame - int(hypothesis.frames[begin]) > _REACH:
            begin = position
        if int(hypothesis.frames[end - 1]) - frame > _REACH:
            return begin, position
        return begin, end


def _first_at(hypothesis: Hypothesis, frame: float) -> int:
    """Position of the first token at or after a frame."""
    return int(hypothesis.frames.searchsorted(frame))


def _not_before(left: Hypothesis, right: Hypothesis) -> Hypothesis:
    """Lift the right's frames to the left's last one: the two may differ by the tolerance."""
    if not len(left) or not len(right):
        return right
    return right.lift(int(left.frames[-1]))
