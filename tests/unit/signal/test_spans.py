"""Spans: merging, pauses."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.errors import OptionError
from eclectus.signal.spans import Span, merge_spans, pauses

_SPANS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=20).map(
    lambda pairs: sorted(Span(start, start + length) for start, length in pairs)
)


def test_near_spans_become_one_and_far_ones_stay() -> None:
    spans = [Span(0, 10), Span(14, 20), Span(30, 40)]
    assert list(merge_spans(spans, min_gap=5)) == [Span(0, 20), Span(30, 40)]
    assert list(merge_spans(spans, min_gap=4)) == spans


def test_short_spans_are_dropped_after_joining() -> None:
    spans = [Span(0, 3), Span(4, 7), Span(50, 53)]
    assert list(merge_spans(spans, min_gap=2, min_length=5)) == [Span(0, 7)]


def test_padding_stops_at_the_start_and_joins_what_it_makes_touch() -> None:
    spans = [Span(2, 10), Span(16, 20), Span(40, 50)]
    assert list(merge_spans(spans, padding=3)) == [Span(0, 23), Span(37, 53)]


def test_a_span_inside_another_disappears() -> None:
    assert list(merge_spans([Span(0, 50), Span(10, 20), Span(45, 60)])) == [Span(0, 60)]


def test_spans_out_of_order_are_refused() -> None:
    with pytest.raises(OptionError, match="order"):
        list(merge_spans([Span(10, 20), Span(5, 8)]))


@pytest.mark.parametrize(("start", "stop"), [(-1, 5), (5, 4)])
def test_an_impossible_span_is_refused(start: int, stop: int) -> None:
    with pytest.raises(OptionError):
        Span(start, stop)


def test_a_span_knows_its_length_and_middle() -> None:
    assert len(Span(10, 30)) == 20
    assert Span(10, 30).middle == 20


def test_pauses_are_what_lies_between() -> None:
    spans = [Span(5, 10), Span(20, 30), Span(90, 120)]
    assert list(pauses(spans, 100)) == [Span(0, 5), Span(10, 20), Span(30, 90)]
    assert list(pauses([], 7)) == [Span(0, 7)]
    assert list(pauses([Span(0, 7)], 7)) == []
    assert list(pauses([Span(9, 12)], 7)) == [Span(0, 7)]


def test_merging_is_lazy() -> None:
    endless = (Span(10 * i, 10 * i + 2) for i in range(10**12))
    assert next(merge_spans(endless)) == Span(0, 2)


@settings(max_examples=100, deadline=None)
@given(spans=_SPANS, gap=st.integers(0, 20), padding=st.integers(0, 20))
def test_merged_spans_are_apart_and_cover_what_they_came_from(
    spans: list[Span], gap: int, padding: int
) -> None:
    merged = list(merge_spans(spans, min_gap=gap, padding=padding))
    assert all(one.stop < two.start for one, two in pairwise(merged))
    for span in spans:
        assert any(one.start <= span.start and span.stop <= one.stop for one in merged)


@settings(max_examples=100, deadline=None)
@given(spans=_SPANS, total=st.integers(0, 500))
def test_speech_and_pauses_together_are_everything(spans: list[Span], total: int) -> None:
    merged = list(merge_spans(spans))
    covered = set()
    for span in [*merged, *pauses(merged, total)]:
        covered |= set(range(span.start, min(span.stop, total)))
    assert covered == set(range(total))
    assert all(not _overlap(pause, merged) for pause in pauses(merged, total))


def _overlap(span: Span, others: list[Span]) -> bool:
    return any(max(span.start, one.start) < min(span.stop, one.stop) for one in others)
