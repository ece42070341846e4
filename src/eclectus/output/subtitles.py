"""Laying out words as subtitle cues: which words, on which lines, from when to when.

Times are whole milliseconds from here on, so that rounding can't make cues overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from eclectus.core.options import SubtitleOptions
from eclectus.output.clean import milliseconds, one_line
from eclectus.output.linebreak import break_merit, lines_needed, wrap

if TYPE_CHECKING:
    from eclectus.core.types import Segment, Transcript


@dataclass(frozen=True, slots=True)
class CueWord:
    """A word on the screen; times in milliseconds."""

    text: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Cue:
    """One block of text.

    Attributes:
        start_ms: When it appears; cues follow each other without overlap.
        end_ms: When it goes; at least 1 ms later for each word.
        words: In order.
        breaks: Positions in `words` at which a new line begins.
        highlighted: Position of the word that is underlined, if any.
    """

    start_ms: int
    end_ms: int
    words: tuple[CueWord, ...]
    breaks: frozenset[int] = frozenset()
    highlighted: int | None = None

    @property
    def characters(self) -> int:
        """Length of the text, line breaks counted as spaces."""
        return sum(len(word.text) for word in self.words) + len(self.words) - 1

    def markup(self, escape: Callable[[str], str]) -> str:
        """Return the lines, the highlighted word in `<u>` (known to SubRip and WebVTT alike)."""
        text = ""
        for position, word in enumerate(self.words):
            if position:
                text += "\n" if position in self.breaks else " "
            escaped = escape(word.text)
            text += f"<u>{escaped}</u>" if position == self.highlighted else escaped
        return text


def lay_out(transcript: Transcript, options: SubtitleOptions) -> list[Cue]:
    """Divide a transcript into cues, in order and without overlap.

    A cue never joins two segments. It has at most `max_lines` lines of `max_line_characters`
    (a longer word has a line for itself) and never lasts over `max_duration_s`. It is held
    after its last word to keep the reading speed and the shortest time, as far as the next cue
    and the end of the audio leave room. Lines and cues break after punctuation and at pauses
    where they can, and lines are balanced.
    """
    blocks = [
        block
        for segment in sorted(transcript.segments, key=lambda segment: segment.start)
        for block in _blocks(_cue_words(segment), options)
    ]
    cues = _timed(blocks, options, milliseconds(transcript.duration))
    if options.highlight_words:
        return [part for cue in cues for part in _highlighted(cue)]
    return cues


def _cue_words(segment: Segment) -> list[CueWord]:
    words = []
    for word in segment.words:
        text = one_line(word.text)
        if text:
            words.append(CueWord(text, milliseconds(word.start), milliseconds(word.end)))
    return words


def _blocks(words: Sequence[CueWord], options: SubtitleOptions) -> Iterator[Sequence[CueWord]]:
    """Divide a segment's words at the least cost, by dynamic programming over the stops."""
    best: list[tuple[float, int]] = [(0.0, 0)]
    for stop in range(1, len(words) + 1):
        best.append(
            min(
                (best[begin][0] + _cost(words, begin, stop, options), begin)
                for begin in _beginnings(words, stop, options)
            )
        )
    stops = [len(words)]
    while stops[-1] > 0:
        stops.append(best[stops[-1]][1])
    stops.reverse()
    for begin, stop in pairwise(stops):
        yield words[begin:stop]


def _beginnings(words: Sequence[CueWord], stop: int, options: SubtitleOptions) -> Iterator[int]:
    """Yield where a block that ends at `stop` may begin: one word back, and on while it fits."""
    longest_ms = milliseconds(options.max_duration_s)
    yield stop - 1
    for begin in range(stop - 2, -1, -1):
        if words[stop - 1].end_ms - words[begin].start_ms > longest_ms:
            return
        texts = [word.text for word in words[begin:stop]]
        if lines_needed(texts, options.max_line_characters) > options.max_lines:
            return
        yield begin


def _cost(words: Sequence[CueWord], begin: int, stop: int, options: SubtitleOptions) -> float:
    """Few blocks, alike in length, that end after punctuation or before a pause."""
    room = options.max_line_characters * options.max_lines
    used = sum(len(word.text) + 1 for word in words[begin:stop]) - 1
    emptiness = max(room - used, 0) / room
    cost = 1.0 + emptiness**2
    if stop < len(words):
        pause_ms = words[stop].start_ms - words[stop - 1].end_ms
        cost -= 0.4 * min(max(pause_ms, 0), 1000) / 1000
        cost -= 0.4 * break_merit(words[stop - 1].text)
    return cost


def _timed(
    blocks: Sequence[Sequence[CueWord]], options: SubtitleOptions, audio_end_ms: int
) -> list[Cue]:
    """Give each block its times: 1 ms a word at least, and held where there is room."""
    starts: list[int] = []
    free = 0
    for block in blocks:
        starts.append(max(block[0].start_ms, free))
        free = starts[-1] + len(block)
    cues = []
    for position, block in enumerate(blocks):
        start = starts[position]
        spoken_end = block[-1].end_ms
        room_end = starts[position + 1] if position + 1 < len(starts) else None
        breaks = wrap([word.text for word in block], options.max_line_characters)
        cue = Cue(start, spoken_end, tuple(block), frozenset(breaks))
        end = max(spoken_end, min(start + _reading_ms(cue, options), audio_end_ms))
        end = min(end, start + milliseconds(options.max_duration_s))
        end = end if room_end is None else min(end, room_end)
        cues.append(replace(cue, end_ms=max(end, start + len(block))))
    return cues


def _reading_ms(cue: Cue, options: SubtitleOptions) -> int:
    reading_s = cue.characters / options.max_characters_per_s
    return milliseconds(max(reading_s, options.min_duration_s))


def _highlighted(cue: Cue) -> Iterator[Cue]:
    """Yield one cue a word, from its start to the next word's; together they last as the cue."""
    count = len(cue.words)
    edges = [cue.start_ms]
    for position in range(1, count):
        latest = cue.end_ms - (count - position)
        edges.append(min(max(cue.words[position].start_ms, edges[-1] + 1), latest))
    edges.append(cue.end_ms)
    for position in range(count):
        start, end = edges[position], edges[position + 1]
        yield replace(cue, start_ms=start, end_ms=end, highlighted=position)
