"""What holds for the subtitles of any transcript: parsed back, in order, nothing lost."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.options import SegmentOptions, SubtitleOptions
from eclectus.core.types import Transcript, Word
from eclectus.output.registry import render
from eclectus.output.transcript_format import RenderOptions
from eclectus.text.segments import to_segments
from tests.support.read_back import Row, reader_of

words_and_signs = st.text("ab<&>-,.?é", min_size=1, max_size=9).filter(
    lambda text: "-->" not in text
)
texts = words_and_signs | st.just("Donaudampfschifffahrtsgesellschaftskapitän")


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    now = draw(st.sampled_from([0.0, 0.0004, 3599.9995]))
    words = []
    for _ in range(draw(st.integers(0, 40))):
        now += draw(st.sampled_from([0.0, 0.0003, 0.08, 0.5, 2.5]))
        length = draw(st.sampled_from([0.0, 0.0006, 0.08, 0.4, 9.0]))
        words.append(Word(draw(texts), now, now + length, 0.5))
        now += length
    segments = to_segments(words, SegmentOptions(max_words=draw(st.none() | st.integers(1, 20))))
    return Transcript(segments, now + draw(st.sampled_from([0.0, 3.0])))


options = st.builds(
    SubtitleOptions,
    max_line_characters=st.integers(8, 42),
    max_lines=st.integers(1, 3),
    max_characters_per_s=st.floats(5.0, 30.0),
    min_duration_s=st.floats(0.0, 1.0),
    max_duration_s=st.floats(1.0, 7.0),
)


def edges_of(rows: list[Row]) -> list[int]:
    return [edge for row in rows for edge in (row.start_ms, row.end_ms) if edge is not None]


def written(transcript: Transcript, name: str, chosen: SubtitleOptions) -> list[Row]:
    return reader_of(name)(render(transcript, name, RenderOptions(subtitles=chosen)))


def check(rows: list[Row], transcript: Transcript, chosen: SubtitleOptions) -> None:
    edges = edges_of(rows)
    assert edges == sorted(edges)
    shown = [word for row in rows for line in row.lines for word in line.split(" ")]
    assert shown == [word.text for word in transcript.words]
    for row in rows:
        start, end = edges_of([row])
        assert 1 <= end - start <= max(1, round(chosen.max_duration_s * 1000))
        assert 1 <= len(row.lines) <= chosen.max_lines
        for line in row.lines:
            assert len(line) <= chosen.max_line_characters or " " not in line


@settings(max_examples=50, deadline=None)
@given(transcripts(), options)
def test_srt_parses_back_in_order_and_within_the_limits(
    transcript: Transcript, chosen: SubtitleOptions
) -> None:
    check(written(transcript, "srt", chosen), transcript, chosen)


@settings(max_examples=30, deadline=None)
@given(transcripts(), options)
def test_vtt_says_the_same_as_srt(transcript: Transcript, chosen: SubtitleOptions) -> None:
    assert written(transcript, "vtt", chosen) == written(transcript, "srt", chosen)


@settings(max_examples=30, deadline=None)
@given(transcripts(), st.integers(10, 42))
def test_highlighting_underlines_every_word_once(transcript: Transcript, width: int) -> None:
    chosen = SubtitleOptions(max_line_characters=width, highlight_words=True)
    rows = written(transcript, "srt", chosen)
    edges = edges_of(rows)
    assert edges == sorted(edges)
    assert all(start < end for start, end in map(edges_of, ([row] for row in rows)))
    marked = [re.findall("<u>(.*?)</u>", row.text) for row in rows]
    assert all(len(words) == 1 for words in marked)
    assert [words[0] for words in marked] == [word.text for word in transcript.words]
