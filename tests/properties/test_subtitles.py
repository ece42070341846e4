"""What holds for the subtitles of any transcript: parsed back, in order, nothing lost."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.options import SegmentOptions, SubtitleOptions
from eclectus.core.types import Transcript, Word
from eclectus.output.registry import render
from eclectus.text.segments import to_segments

Block = tuple[int, int, list[str]]
TIME = r"(\d{2,}):([0-5]\d):([0-5]\d)%s(\d{3})"


def milliseconds(parts: tuple[str, ...]) -> int:
    hours, minutes, seconds, thousandths = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + thousandths


def parse_block(lines: list[str], separator: str) -> Block:
    time = TIME % re.escape(separator)
    match = re.fullmatch(f"{time} --> {time}", lines[0])
    assert match is not None
    edges = match.groups()
    return milliseconds(edges[:4]), milliseconds(edges[4:]), lines[1:]


def parse_srt(text: str) -> list[Block]:
    blocks = []
    for number, block in enumerate(
        text.removesuffix("\n\n").split("\n\n") if text else [], start=1
    ):
        lines = block.split("\n")
        assert lines[0] == str(number)
        blocks.append(parse_block(lines[1:], ","))
    return blocks


def parse_vtt(text: str) -> list[Block]:
    header, *blocks = text.removesuffix("\n").split("\n\n")
    assert header == "WEBVTT"
    parsed = [parse_block(block.split("\n"), ".") for block in blocks]
    unescape = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
    return [
        (start, end, [re.sub("&[a-z]+;", lambda sign: unescape[sign[0]], line) for line in lines])
        for start, end, lines in parsed
    ]


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


def check(blocks: list[Block], transcript: Transcript, chosen: SubtitleOptions) -> None:
    edges = [edge for start, end, _ in blocks for edge in (start, end)]
    assert edges == sorted(edges)
    shown = [word for _, _, lines in blocks for line in lines for word in line.split(" ")]
    assert shown == [word.text for word in transcript.words]
    for start, end, lines in blocks:
        assert 1 <= end - start <= max(1, round(chosen.max_duration_s * 1000))
        assert 1 <= len(lines) <= chosen.max_lines
        for line in lines:
            assert len(line) <= chosen.max_line_characters or " " not in line


@settings(max_examples=50, deadline=None)
@given(transcripts(), options)
def test_srt_parses_back_in_order_and_within_the_limits(
    transcript: Transcript, chosen: SubtitleOptions
) -> None:
    check(parse_srt(render(transcript, "srt", chosen)), transcript, chosen)


@settings(max_examples=30, deadline=None)
@given(transcripts(), options)
def test_vtt_says_the_same_as_srt(transcript: Transcript, chosen: SubtitleOptions) -> None:
    blocks = parse_vtt(render(transcript, "vtt", chosen))
    assert blocks == parse_srt(render(transcript, "srt", chosen))


@settings(max_examples=30, deadline=None)
@given(transcripts(), st.integers(10, 42))
def test_highlighting_underlines_every_word_once(transcript: Transcript, width: int) -> None:
    chosen = SubtitleOptions(max_line_characters=width, highlight_words=True)
    blocks = parse_srt(render(transcript, "srt", chosen))
    edges = [edge for start, end, _ in blocks for edge in (start, end)]
    assert edges == sorted(edges)
    assert all(end > start for start, end, _ in blocks)
    marked = [re.findall("<u>(.*?)</u>", "\n".join(lines)) for _, _, lines in blocks]
    assert all(len(words) == 1 for words in marked)
    assert [words[0] for words in marked] == [word.text for word in transcript.words]
