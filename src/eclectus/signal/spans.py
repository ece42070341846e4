"""Spans of samples: where speech is, and where it pauses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from eclectus.core.errors import OptionError


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Samples [start, stop) of a source."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            raise OptionError(f"a span can't go from sample {self.start} to {self.stop}")

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def middle(self) -> int:
        """The sample half-way, where a cut does the least harm in a pause."""
        return (self.start + self.stop) // 2


def merge_spans(
    spans: Iterable[Span], *, min_gap: int = 0, min_length: int = 0, padding: int = 0
) -> Iterator[Span]:
    """Join spans that lie near each other and drop short ones, lazily.

    Args:
        spans: In order of their starts; they may touch or overlap.
        min_gap: Spans with less than this many samples between them become one.
        min_length: What is shorter than this after joining is dropped.
        padding: Samples by which what remains grows at both sides, at the start not past sample
            0 and never into each other: neighbours that come to overlap become one.

    Yields:
        Disjoint spans in order, at least one sample apart.

    Raises:
        OptionError: The spans are not in order.
    """
    joined = _join(spans, max(1, min_gap))
    kept = (span for span in joined if len(span) >= min_length)
    grown = (Span(max(0, span.start - padding), span.stop + padding) for span in kept)
    return _join(grown, 1)


def pauses(spans: Iterable[Span], total: int) -> Iterator[Span]:
    """Yield the stretches of [0, total) that no span covers, in order.

    Args:
        spans: Disjoint and in order, as from `merge_spans`; what lies past `total` is ignored.
        total: Samples in all.
    """
    position = 0
    for span in spans:
        if span.start >= total:
            break
        if span.start > position:
            yield Span(position, span.start)
        position = max(position, span.stop)
    if position < total:
        yield Span(position, total)


def _join(spans: Iterable[Span], min_gap: int) -> Iterator[Span]:
    current: Span | None = None
    for span in spans:
        if current is None:
            current = span
        elif span.start < current.start:
            raise OptionError(f"spans are not in order: {current.start}, then {span.start}")
        elif span.start - current.stop < min_gap:
            current = Span(current.start, max(current.stop, span.stop))
        else:
            yield current
            current = span
    if current is not None:
        yield current
