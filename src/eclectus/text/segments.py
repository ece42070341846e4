"""Words to segments: sentences, cut further where they pass a limit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eclectus.core.options import SegmentOptions
from eclectus.core.types import Segment, Word
from eclectus.text.sentences import ends_clause, ends_sentence
from eclectus.text.words import is_punctuation

_DEFAULT = SegmentOptions()
_SHORT_REST = 2
_LONG_PAUSE_S = 1.0


def to_segments(words: Sequence[Word], options: SegmentOptions = _DEFAULT) -> tuple[Segment, ...]:
    """Group words into segments; together they hold exactly the words, in order.

    A segment ends at the end of a sentence, at a pause of `silence_gap_s` and where the speaker
    changes. One that passes a limit is cut at the best place before it: after a comma or in a
    long pause, near the limit, leaving no scrap. The limits hold for every segment of more than
    one word; none begins with punctuation alone unless a limit forces it.
    """
    cased = any(word.text[:1].isupper() for word in words)
    segments: list[Segment] = []
    begin = 0
    for stop in range(1, len(words) + 1):
        if stop == len(words) or _ends_here(words, stop, cased, options):
            whole = words[begin:stop]
            segments.extend(_segment(part) for part in _within_limits(whole, options))
            begin = stop
    return tuple(segments)


def _ends_here(words: Sequence[Word], stop: int, cased: bool, options: SegmentOptions) -> bool:
    last, following = words[stop - 1], words[stop]
    if last.speaker != following.speaker:
        return True
    if is_punctuation(following.text):
        return False
    gap = options.silence_gap_s
    if gap is not None and following.start - last.end >= gap:
        return True
    return ends_sentence(last.text, following.text, cased=cased)


def _within_limits(words: Sequence[Word], options: SegmentOptions) -> Iterator[Sequence[Word]]:
    begin = 0
    while begin < len(words):
        reach = _reach(words, begin, options)
        stop = reach if reach == len(words) else _best_stop(words, begin, reach)
        yield words[begin:stop]
        begin = stop


def _reach(words: Sequence[Word], begin: int, options: SegmentOptions) -> int:
    """Return the furthest stop that keeps all limits; one word always passes."""
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
    """Choose where to cut words[begin:], at the latest at `reach` (which is before the end)."""

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
