"""The parts of the benchmarks that turn measurements into statements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.accuracy import Mismatch, compare
from benchmarks.clips import read, write_clips
from benchmarks.compare.client import Contender
from benchmarks.compare.protocol import pad
from benchmarks.report import page
from benchmarks.speed import Turns, parse_clips, summarize
from benchmarks.words import normalize

_FOUND = {"ids": [4, 5, 6], "frames": [0, 2, 4], "durations": [2, 2, 1]}


def _turns(*walls: float) -> Turns:
    turns = Turns()
    for wall in walls:
        turns.add({"wall_s": wall, "cpu_s": wall, "peak_mib": 1.0, "found": [{"ids": [1, 2]}]})
    return turns


def test_equal_findings_are_no_mismatch() -> None:
    assert compare([Path("a.wav")], [_FOUND], {"a.wav": dict(_FOUND)}) == []


@pytest.mark.parametrize("field", ["ids", "frames", "durations"])
def test_a_difference_is_reported_where_it_begins(field: str) -> None:
    values = [*_FOUND[field][:2], 99]
    expected = {"a.wav": _FOUND | {field: values}}
    wrong = compare([Path("a.wav")], [_FOUND], expected)
    assert wrong == [Mismatch("a.wav", field, 2, _FOUND[field][2:], [99])]


def test_a_finding_that_stops_early_differs_at_its_end() -> None:
    shorter = {name: values[:1] for name, values in _FOUND.items()}
    (wrong,) = compare([Path("a.wav")], [shorter], {"a.wav": dict(_FOUND)})
    assert (wrong.position, wrong.ours, wrong.theirs) == (1, [], [5, 6])


def test_what_a_side_does_not_tell_is_not_compared() -> None:
    ours: dict[str, Any] = _FOUND | {"durations": None}
    assert compare([Path("a.wav")], [ours], {"a.wav": _FOUND | {"durations": [9, 9, 9]}}) == []


def test_the_ratio_pairs_the_rounds() -> None:
    row = summarize((_turns(1.0, 2.0, 4.0), _turns(2.0, 4.0, 4.0)), audio_s=10.0)
    assert row["ratio"] == 2.0
    assert row["ratio_range"] == [1.0, 2.0]
    assert row["rtfx"] == [5.0, 2.5]
    assert row["tokens"] == [2, 2]


def test_clips_are_spread_evenly_between_the_ends() -> None:
    assert parse_clips("2x25") == [25.0, 25.0]
    lengths = parse_clips("4x5-20")
    assert sorted(lengths) == [5.0, 10.0, 15.0, 20.0]
    assert lengths == parse_clips("4x5-20")


def test_a_contender_is_read_with_its_defaults() -> None:
    assert str(Contender.parse("onnx_asr", {}, "python")) == "onnx_asr:fp32:1"
    full = Contender.parse("eclectus:int8:16", {"eclectus": "/other"}, "python")
    assert (full.precision, full.batch, full.python) == ("int8", 16, "/other")


def test_synthetic_clips_have_the_wanted_lengths(tmp_path: Path) -> None:
    clips = [read(path) for path in write_clips(None, [0.5, 1.25], tmp_path)]
    assert [len(clip) for clip in clips] == [8_000, 20_000]
    assert all(np.abs(clip).max() > 0.05 for clip in clips)


def test_padding_keeps_every_sample() -> None:
    padded, lengths = pad([np.ones(3, np.float32), np.ones(5, np.float32)])
    assert padded.sum(axis=1).tolist() == lengths.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mr. Quilter isn't here, he's out.", "mister quilter is not here hes out"),
        ("I’ll go… [laughs] café", "i will go cafe"),
        ("Um, O'clock & more", "oclock and more"),
    ],
)
def test_spellings_of_the_same_words_meet(text: str, words: str) -> None:
    assert normalize(text) == words


def test_the_page_shows_the_latest_row_of_a_measurement() -> None:
    row = {
        "benchmark": "tokens",
        "model": "m",
        "who": "eclectus",
        "precision": "fp32",
        "files": 3,
        "machine": "a processor",
    }
    text = page([row | {"equal": 2}, row | {"equal": 3}])
    assert "3 of 3" in text
    assert "2 of 3" not in text
    assert "## Speed" not in text
