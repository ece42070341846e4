"""Counts the words on which two drafts agree."""

from __future__ import annotations

from collections.abc import Sequence

from eclectus.core.types import Word


def agreeing(before: Sequence[Word], after: Sequence[Word]) -> int:
    """Return how many leading words two drafts share (local agreement; Liu et al. 2020).

    The drafts may begin at different words, since words became final in between; words of the
    earlier draft that end before the later one begins are skipped.
    """
    if not after:
        return 0
    skipped = sum(1 for word in before if word.end <= after[0].start)
    count = 0
    for mine, theirs in zip(before[skipped:], after, strict=False):
        if mine.text != theirs.text:
            break
        count += 1
    return count
