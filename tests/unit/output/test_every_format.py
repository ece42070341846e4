"""What holds for every format that there is, and so for one that is added."""

import math
import re
from dataclasses import replace

import pytest

from eclectus.core.choices import TimestampLevel
from eclectus.core.types import Segment, Token, Transcript, Word
from eclectus.output.registry import FORMATS, expand_formats, render
from eclectus.output.transcript_format import RenderOptions
from tests.support.read_back import reader_of

EMPTY = Transcript((), 0.0)
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
HOSTILE = {
    "a null": "a\x00b",
    "colours of a terminal": "\x1b[31mred\x1b[0m\x9b0m",
    "a title of a terminal": "\x1b]0;title\x07",
    "a line break": "one\ntwo",
    "an empty line": "one\r\n\r\ntwo",
    "an exotic line break": "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    "a tab": "one\ttwo",
    "an arrow": "--> a-->b",
    "a line of times": "00:00:01,000 --> 00:00:02,000",
    "a lyric's time": "[00:05.00] <00:06.00>",
    "quotes": "\"two\" 'one' “curly”",
    "commas": "a,b;c|d",
    "backslashes": r"C:\temp\new\x41\u0041 \\",
    "an override of subtitles": r"{\an8}",
    "a formula": "=1+1",
    "a sum": "@SUM(A1)",
    "a sign": "-1 +1",
    "tags": "<b>bold</b> <u>x <script>",
    "entities": "&amp; & &lt; &#x41;",
    "headers": "WEBVTT NOTE start end 1",
    "right to left": "שלום مرحبا",
    "an override of direction": "\u202eabc\u202c",
    "combining marks": "e\u0301 n\u0303",
    "an emoji": "👩🏽‍🚀",
    "a long word": "x" * 3_000,
    "half a pair": "a\ud800b",
}


def segment(*words: Word) -> Segment:
    return Segment(words, words[0].start, words[-1].end)


def said(*texts: str, word_s: float = 0.4) -> Transcript:
    """A segment a text, half a second apart."""
    segments = []
    for place, text in enumerate(texts):
        start = place * 0.5
        parts = text.split(" ")
        step = word_s / len(parts)
        words = [
            Word(one, start + i * step, start + (i + 1) * step, 0.5) for i, one in enumerate(parts)
        ]
        segments.append(segment(*words))
    return Transcript(tuple(segments), len(texts) * 0.5, "en", "tiny")


def plain(text: str) -> list[str]:
    """What must come back: the signs between spaces and controls, and arrows one way or another."""
    text = text.replace("-->", "→").replace("\ud800", "\ufffd")
    text = re.sub(r"[\[<](\d\d:\d\d\.\d\d)[\]>]", r"(\1)", text)
    return re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", text).split(" ")


@pytest.fixture(params=FORMATS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_its_facts_are_complete_and_its_own(name: str) -> None:
    one = FORMATS[name]
    assert re.fullmatch("[a-z0-9]+", one.name)
    assert re.fullmatch("[a-z0-9]+", one.suffix)
    assert re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", one.media_type)
    assert one.title
    assert one.summary
    assert not one.summary.endswith(".")
    others = [other for other in FORMATS.values() if other is not one]
    assert not {one.title, one.summary} & {x for o in others for x in (o.title, o.summary)}
    assert one.suffix not in {other.suffix for other in others}
    assert expand_formats([f".{one.name.upper()}"]) == (one.name,)


def test_an_empty_transcript_is_a_valid_file(name: str) -> None:
    assert reader_of(name)(render(EMPTY, name)) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_comes_back_in_its_place(name: str, text: str) -> None:
    rendered = render(said("before", text, "after"), name)
    rows = reader_of(name)(rendered)
    found = " ".join(row.text for row in rows)
    assert plain(found) == ["before", *(part for part in plain(text) if part), "after"]
    assert CONTROL.search(rendered) is None
    rendered.encode()


def test_all_hostile_text_in_one_segment_comes_back(name: str) -> None:
    texts = " ".join(HOSTILE.values())
    found = " ".join(row.text for row in reader_of(name)(render(said(texts), name)))
    assert plain(found) == plain(texts)


def test_nothing_stands_behind_the_last_word(name: str) -> None:
    rendered = render(said("one two", "three"), name)
    assert rendered.endswith("\n")
    assert len(rendered) - len(rendered.rstrip()) <= 2
    assert reader_of(name)(rendered)[-1].text == "three"


def test_times_are_in_order_and_never_empty(name: str) -> None:
    times = reader_of(name)(render(said("one two", "three", "four five six"), name))
    starts = [row.start_ms for row in times if row.start_ms is not None]
    ends = [row.end_ms for row in times if row.end_ms is not None]
    timed = FORMATS[name].grain is not TimestampLevel.NONE
    assert len(starts) == (len(times) if timed else 0)
    assert starts == sorted(set(starts))
    assert ends == sorted(ends)
    assert starts[:1] in ([], [0])
    assert all(start < end for start, end in zip(starts, ends, strict=False))
    assert all(end <= later for end, later in zip(ends, starts[1:], strict=False))


@pytest.mark.parametrize("start", [0.0, 0.0004, 3_599.9996, 359_999.9996])
def test_times_of_no_length_and_of_many_hours_stay_in_order(name: str, start: float) -> None:
    words = [Word(text, start, start, 0.5) for text in ("one", "two", "three")]
    many = Transcript(tuple(segment(word) for word in words), start)
    rows = reader_of(name)(render(many, name))
    assert [row.text for row in rows] == ["one", "two", "three"]
    starts = [row.start_ms for row in rows if row.start_ms is not None]
    assert starts == sorted(starts)
    assert all(abs(found - start * 1000) <= 10 for found in starts)


def test_what_is_missing_changes_neither_text_nor_times(name: str) -> None:
    full = said("one two", "=three")
    rows = reader_of(name)(render(full, name))
    for changed in (
        _with_words(full, confidence=math.nan),
        _with_words(full, speaker='Ann\n\x1b[2J,"\t'),
        _with_segments(full, speaker='Ann\n\x1b[2J,"\t', channel=1),
        _with_segments(full, language="de", language_confidence=math.nan),
        replace(full, language=None, model=None),
        replace(full, model="a\n\x1b[2J"),
        _with_words(full, tokens=(Token(7, " \x1bone", 0.0, 0.1, math.nan, math.nan),)),
    ):
        for level in (TimestampLevel.WORD, TimestampLevel.TOKEN):
            rendered = render(changed, name, RenderOptions(timestamps=level))
            assert reader_of(name)(rendered) == rows
            assert CONTROL.search(rendered) is None
            assert "NaN" not in rendered
            assert "nan" not in rendered
            assert "None" not in rendered


def test_its_grain_is_the_finest_time_that_it_depends_on(name: str) -> None:
    options = RenderOptions(timestamps=TimestampLevel.TOKEN)
    options = replace(options, subtitles=replace(options.subtitles, highlight_words=True))
    token = (Token(7, " one", 0.0, 0.1, 0.5, -0.5),)
    whole = _with_words(said("one two", "three"), tokens=token)
    moved = {
        TimestampLevel.SEGMENT: _moved_segments(whole),
        TimestampLevel.WORD: _with_second_word(whole, start=0.3),
        TimestampLevel.TOKEN: _with_words(whole, tokens=(replace(token[0], end=0.09),)),
    }
    before = render(whole, name, options)
    depends = [
        level for level, changed in moved.items() if render(changed, name, options) != before
    ]
    finest = depends[-1] if depends else TimestampLevel.NONE
    assert finest is FORMATS[name].grain


def _with_words(transcript: Transcript, **changes: object) -> Transcript:
    return replace(
        transcript,
        segments=tuple(
            replace(part, words=tuple(replace(word, **changes) for word in part.words))  # type: ignore[arg-type]
            for part in transcript.segments
        ),
    )


def _with_segments(transcript: Transcript, **changes: object) -> Transcript:
    parts = tuple(replace(part, **changes) for part in transcript.segments)  # type: ignore[arg-type]
    return replace(transcript, segments=parts)


def _with_second_word(transcript: Transcript, start: float) -> Transcript:
    first, *others = transcript.segments
    word, second = first.words
    moved = replace(first, words=(word, replace(second, start=start)))
    return replace(transcript, segments=(moved, *others))


def _moved_segments(transcript: Transcript) -> Transcript:
    parts = tuple(
        replace(
            part,
            start=part.start + 0.05,
            words=(replace(part.words[0], start=part.start + 0.05), *part.words[1:]),
        )
        for part in transcript.segments
    )
    return replace(transcript, segments=parts)
