"""Groups words into segments: sentences, divided further where they exceed a limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from eclectus.core.options import SegmentOptions
from eclectus.core.types import Segment, Word
from eclectus.text.sentences import ends_clause, ends_sentence
from eclectus.text.words import is_punctuation

_DEFAULT = SegmentOptions()
_SHORT_REST = 2
"""A division that leaves so few words of a sentence, or fewer, reads badly."""
_LONG_PAUSE_S = 1.0


def to_segments(words: Sequence[Word], options: SegmentOptions = _DEFAULT) -> tuple[Segment, ...]:
    """Group words into segments; together they hold exactly the words, in order.

    A segment ends at the end of a sentence, at a pause of `silence_gap_s` and where the speaker
    changes. One that exceeds a limit is divided at the best place before it: after a comma or in
    a long pause, near the limit, and not so that one or two words remain. The limits hold for
    every segment of more than one word; none begins with punctuation alone unless a limit forces
    it.
    """
    segmenter = Segmenter(options)
    return (*segmenter.add(words), *segmenter.finish())


class Segmenter:
    """Groups words into segments as they come.

    A segment that was returned never changes: the words that follow, and the pieces in which they
    come, make no difference. All segments together are those of `to_segments`.
    """

    def __init__(self, options: SegmentOptions = _DEFAULT) -> None:
        """Begin without words."""
        self._options = options
        # Words of the sentence that has not ended, as far as they are in no segment.
        self._open: list[Word] = []
        self._cased = False

    def add(self, words: Iterable[Word]) -> list[Segment]:
        """Add words; return the segments that are complete now and will not change."""
        segments: list[Segment] = []
        for word in words:
            # Whether the text has capital letters at all is judged by the words so far: those to
            # come must not change what was returned.
            self._cased = self._cased or word.text[:1].isupper()
            if self._open and _ends_between(self._open[-1], word, self._cased, self._options):
                segments += self._close()
            self._open.append(word)
        return segments + self._cut()

    def finish(self) -> list[Segment]:
        """Return the segments of the remaining words; no words follow them."""
        return self._close()

    def _close(self) -> list[Segment]:
        """Return the segments of the open words, the last of which ends a sentence."""
        words, self._open = self._open, []
        return [_segment(part) for part in _within_limits(words, self._options, ended=True)]

    def _cut(self) -> list[Segment]:
        """Return the segments before a limit that do not depend on how the sentence goes on."""
        parts = [*_within_limits(self._open, self._options, ended=False)]
        self._open = self._open[sum(map(len, parts)) :]
        return [_segment(part) for part in parts]


def _ends_between(last: Word, following: Word, cased: bool, options: SegmentOptions) -> bool:
    if last.speaker != following.speaker:
        return True
    if is_punctuation(following.text):
        return False
    gap = options.silence_gap_s
    if gap is not None and following.start - last.end >= gap:
        return True
    return ends_sentence(last.text, following.text, cased=cased)


def _within_limits(
    words: Sequence[Word], options: SegmentOptions, *, ended: bool
) -> Iterator[Sequence[Word]]:
    """Yield the parts of a sentence; if it goes on, those that its later words don't change."""
    begin = 0
    while begin < len(words):
        reach = _reach(words, begin, options)
        # With so few words after the limit, the best place depends on how many will follow.
        if not ended and len(words) - reach <= _SHORT_REST:
            return
        stop = reach if reach == len(words) else _best_stop(words, begin, reach)
        yield words[begin:stop]
        begin = stop


def _reach(words: Sequence[Word], begin: int, options: SegmentOptions) -> int:
    """Return the largest stop that keeps all limits; a single word always does."""
    characters = len(words[begin].text)
    for stop in range(begin + 1, len(words)):
        characters += 1 + len(words[stop].text)
        if (
            _exceeds(stop + 1 - begin, options.max_words)
            or _exceeds(characters, options.max_characters)
            or _exceeds(words[stop].end - words[begin].start, options.max_duration_s)
        ):
            return stop
    return len(words)


def _exceeds(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _best_stop(words: Sequence[Word], begin: int, reach: int) -> int:
    """Return where to divide words[begin:], at `reach` (which is before the end) or earlier."""

    def merit(stop: int) -> float:
        last, following = words[stop - 1], words[stop]
        nearness = (stop - begin) / (reach - begin)
        pause = min(max(following.start - last.end, 0.0), _LONG_PAUSE_S) / _LONG_PAUSE_S
        value = 3 * nearness + pause + (1.0 if ends_clause(last.text) else 0.0)
        if len(words) - stop <= _SHORT_REST:
            value -= 1.0
        if is_punctuation(following.text):
            value -= 10.0
        return value

    return max(range(begin + 1, reach + 1), key=lambda stop: (merit(stop), stop))


def _segment(words: Sequence[Word]) -> Segment:
    return Segment(tuple(words), words[0].start, words[-1].end, words[0].speaker)
