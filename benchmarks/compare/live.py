"""A live stream of any recogniser on a virtual clock, and what its listener waits for.

A block arrives when its last sample was spoken, waits until the blocks before it are done, and
what it brings is seen when its own computing time (measured) has passed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, TypeAlias

from benchmarks.compare.protocol import Clip

RATE = 16_000
Timed: TypeAlias = tuple[str, float]
"""A word and its end in seconds."""


class Live(Protocol):
    """One stream under way."""

    def push(self, samples: Clip) -> tuple[list[Timed], list[Timed]]:
        """Take samples; return all final words so far, and the drafts that follow them."""
        ...

    def finish(self) -> tuple[list[Timed], list[Timed]]:
        """End the stream; all words are final."""
        ...


class Streams(Protocol):
    """A recogniser that follows live audio."""

    def live(self, left_s: float, chunk_s: float, right_s: float) -> Live:
        """Open a stream with contexts in seconds."""
        ...


@dataclass
class Waits:
    """Seconds after the end of each word, and what the stream cost.

    Attributes:
        draft: Until the word was first shown as it stayed, as a draft or final.
        final: Until it was final.
        computing_s: Time of the recogniser.
        slowest_s: Its slowest block.
        audio_s: Audio.
        text: What was recognised.
    """

    draft: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    computing_s: float = 0.0
    slowest_s: float = 0.0
    audio_s: float = 0.0
    text: str = ""


def follow(peer: Streams, clip: Clip, request: dict[str, Any]) -> dict[str, Any]:
    """Stream a clip in blocks of 80 ms."""
    live = peer.live(*request["contexts"])
    block = round(0.08 * RATE)
    clock, waits, shown = 0.0, Waits(audio_s=len(clip) / RATE), _Shown()
    for start in range(0, len(clip) + 1, block):
        piece = clip[start : start + block]
        last = start + block > len(clip)
        begun = time.perf_counter()
        finals, drafts = live.push(piece) if len(piece) else ([], [])
        if last:
            finals, drafts = live.finish()
        spent = time.perf_counter() - begun
        clock = max(clock, (start + len(piece)) / RATE) + spent
        waits.computing_s += spent
        waits.slowest_s = max(waits.slowest_s, spent)
        if len(piece) or last:
            shown.note(clock, finals, drafts, waits)
    waits.text = " ".join(text for text, _ in shown.finals)
    return asdict(waits)


class _Shown:
    """What a listener sees, and since when."""

    def __init__(self) -> None:
        self.finals: list[Timed] = []
        self._texts: list[str] = []
        self._since: list[float] = []

    def note(
        self, clock: float, finals: Sequence[Timed], drafts: Sequence[Timed], waits: Waits
    ) -> None:
        texts = [text for text, _ in [*finals, *drafts]]
        pairs = zip(self._texts, texts, strict=False)
        shorter = min(len(self._texts), len(texts))
        same = next((i for i, (old, new) in enumerate(pairs) if old != new), shorter)
        self._since = self._since[:same] + [clock] * (len(texts) - same)
        self._texts = texts
        for place in range(len(self.finals), len(finals)):
            end = finals[place][1]
            waits.final.append(clock - end)
            waits.draft.append(self._since[place] - end)
        self.finals = list(finals)


def words_of(tokens: Iterable[tuple[str, float]]) -> list[Timed]:
    """Join pieces with their ends to words; a piece with a leading space or ▁ begins one."""
    words: list[Timed] = []
    for text, end in tokens:
        text = text.replace("▁", " ")
        if words and not text.startswith(" "):
            words[-1] = (words[-1][0] + text, end)
        elif text.strip():
            words.append((text.strip(), end))
    return words
