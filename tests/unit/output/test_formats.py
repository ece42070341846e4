import csv
import io
import json
import math

import pytest

from eclectus.core.choices import TimestampLevel
from eclectus.core.errors import OptionError
from eclectus.core.options import SubtitleOptions
from eclectus.core.types import Segment, Token, Transcript, Word
from eclectus.output.registry import FORMATS, expand_formats, render

EMPTY = Transcript((), 0.0)


def segment(*words: Word, speaker: str | None = None, channel: int | None = None) -> Segment:
    return Segment(words, words[0].start, words[-1].end, speaker, channel)


TOKENS = (Token(7, " Tea", 0.48, 0.8, 0.91), Token(2, ",", 0.8, 0.8, 0.5))
TRANSCRIPT = Transcript(
    (
        segment(Word("Tea,", 0.48, 0.8, 0.70514, None, TOKENS), Word("“now”?", 0.8, 1.28, 0.9)),
        segment(Word("No.", 4.0, 4.2400001, 1.0, "Ann"), speaker="Ann", channel=1),
    ),
    6.0,
    "en",
    "tiny",
)


def test_text_has_a_segment_a_line() -> None:
    assert render(TRANSCRIPT, "txt") == "Tea, “now”?\nNo.\n"


def test_srt_is_numbered() -> None:
    assert render(TRANSCRIPT, "srt") == (
        "1\n00:00:00,480 --> 00:00:01,280\nTea, “now”?\n\n2\n00:00:04,000 --> 00:00:04,800\nNo.\n\n"
    )


def test_vtt_has_its_header() -> None:
    assert render(TRANSCRIPT, "vtt") == (
        "WEBVTT\n\n00:00:00.480 --> 00:00:01.280\nTea, “now”?\n"
        "\n00:00:04.000 --> 00:00:04.800\nNo.\n"
    )


def test_highlighting_gives_one_cue_a_word() -> None:
    options = SubtitleOptions(highlight_words=True)
    assert render(TRANSCRIPT, "srt", options) == (
        "1\n00:00:00,480 --> 00:00:00,800\n<u>Tea,</u> “now”?\n\n"
        "2\n00:00:00,800 --> 00:00:01,280\nTea, <u>“now”?</u>\n\n"
        "3\n00:00:04,000 --> 00:00:04,800\n<u>No.</u>\n\n"
    )
    assert "\n00:00:00.800 --> 00:00:01.280\nTea, <u>“now”?</u>\n" in render(
        TRANSCRIPT, "vtt", options
    )


def test_signs_of_markup_are_escaped_in_vtt_and_arrows_in_srt() -> None:
    signs = Transcript((segment(Word("<b>&-->", 0.0, 1.0, 1.0)),), 1.0)
    assert "&lt;b&gt;&amp;--&gt;\n" in render(signs, "vtt")
    assert render(signs, "srt").endswith("\n<b>&→\n\n")
    highlighted = render(signs, "vtt", SubtitleOptions(highlight_words=True))
    assert "<u>&lt;b&gt;&amp;--&gt;</u>" in highlighted


def test_times_of_over_an_hour_are_written_out() -> None:
    late = Transcript((segment(Word("Late", 363_599.9996, 363_601.5, 1.0)),), 363_602.0)
    assert "101:00:00,000 --> 101:00:01,500" in render(late, "srt")


def test_tsv_has_milliseconds_as_whisper_has() -> None:
    expected = "start\tend\ttext\n480\t1280\tTea, “now”?\n4000\t4240\tNo.\n"
    assert render(TRANSCRIPT, "tsv") == expected


def test_tsv_escapes_what_would_end_a_field() -> None:
    odd = Transcript((segment(Word("a\tb\nc\\", 0.0, 1.0, 1.0)),), 1.0)
    assert render(odd, "tsv") == "start\tend\ttext\n0\t1000\ta\\tb\\nc\\\\\n"


def test_csv_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(render(TRANSCRIPT, "csv"))))
    assert rows == [
        {
            "start": "0.480",
            "end": "1.280",
            "text": "Tea, “now”?",
            "confidence": "0.8026",
            "speaker": "",
            "channel": "",
        },
        {
            "start": "4.000",
            "end": "4.240",
            "text": "No.",
            "confidence": "1.0",
            "speaker": "Ann",
            "channel": "1",
        },
    ]


def test_json_has_this_shape() -> None:
    document = json.loads(render(TRANSCRIPT, "json", timestamps=TimestampLevel.TOKEN))
    assert list(document) == ["text", "language", "duration", "model", "segments"]
    assert (document["text"], document["language"]) == ("Tea, “now”? No.", "en")
    first, second = document["segments"]
    assert first["words"][0] == {
        "text": "Tea,",
        "start": 0.48,
        "end": 0.8,
        "confidence": 0.7051,
        "speaker": None,
        "tokens": [
            {"id": 7, "text": " Tea", "start": 0.48, "end": 0.8, "confidence": 0.91},
            {"id": 2, "text": ",", "start": 0.8, "end": 0.8, "confidence": 0.5},
        ],
    }
    assert list(second) == [
        *("start", "end", "text", "confidence", "speaker", "channel"),
        *("language", "language_confidence", "words"),
    ]
    assert (second["language"], second["language_confidence"]) == (None, None)
    assert (second["start"], second["end"]) == (4.0, 4.24)
    assert (second["speaker"], second["channel"]) == ("Ann", 1)


@pytest.mark.parametrize(
    ("level", "times", "words", "tokens"),
    [
        (TimestampLevel.NONE, False, False, False),
        (TimestampLevel.SEGMENT, True, False, False),
        (TimestampLevel.WORD, True, True, False),
        (TimestampLevel.TOKEN, True, True, True),
    ],
)
def test_the_level_decides_the_finest_times(
    level: TimestampLevel, times: bool, words: bool, tokens: bool
) -> None:
    part = json.loads(render(TRANSCRIPT, "json", timestamps=level))["segments"][0]
    assert (part["start"] is not None) == times
    assert (part["end"] is not None) == times
    assert (part["words"] is not None) == words
    if words:
        assert (part["words"][0]["tokens"] is not None) == tokens


def test_jsonl_has_the_segments_of_json() -> None:
    lines = render(TRANSCRIPT, "jsonl").splitlines()
    document = json.loads(render(TRANSCRIPT, "json"))
    assert [json.loads(line) for line in lines] == document["segments"]


def test_a_number_that_is_not_finite_is_null() -> None:
    odd = Transcript((segment(Word("a", 0.0, 1.0, math.nan)),), 1.0)
    assert json.loads(render(odd, "json"))["segments"][0]["confidence"] is None
    assert render(odd, "csv").endswith(",a,,,\n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("txt", ""),
        ("srt", ""),
        ("vtt", "WEBVTT\n"),
        ("csv", "start,end,text,confidence,speaker,channel\n"),
        ("tsv", "start\tend\ttext\n"),
        ("jsonl", ""),
    ],
)
def test_an_empty_transcript_is_a_valid_file(name: str, expected: str) -> None:
    assert render(EMPTY, name) == expected


def test_an_empty_transcript_is_a_valid_document() -> None:
    assert json.loads(render(EMPTY, "json")) == {
        "text": "",
        "language": None,
        "duration": 0.0,
        "model": None,
        "segments": [],
    }


@pytest.mark.parametrize("name", FORMATS)
def test_control_characters_never_break_a_format(name: str) -> None:
    odd = Transcript((segment(Word("a\n\n\x00b\u2028c", 0.0, 1.0, 1.0)),), 1.0)
    rendered = render(odd, name)
    assert rendered == render(odd, name)
    assert "\n\n\x00" not in rendered


def test_all_means_every_format_once() -> None:
    assert expand_formats(("all",)) == tuple(FORMATS)
    assert expand_formats(("SRT", ".txt", "srt")) == ("srt", "txt")
    assert set(expand_formats(("json", "all"))) == set(FORMATS)


def test_an_unknown_format_is_refused_with_the_near_name() -> None:
    with pytest.raises(OptionError, match="Did you mean srt") as caught:
        render(EMPTY, "strt")
    assert "txt, srt, vtt, json, jsonl, csv, tsv, all" in str(caught.value)
    with pytest.raises(OptionError, match="no output format 'docx'"):
        expand_formats(("docx",))
    with pytest.raises(OptionError, match="No output format is named"):
        expand_formats(())
