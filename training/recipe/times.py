"""Errors of word times, against speech whose phones have known ends.

    python -m recipe.times runs/small/onnx --data data

Flite prints where each phone of what it speaks ends (`flite-held.phones.jsonl`). Which phones are
whose word's it doesn't print; so it is asked how it says each word alone, and the two rows of
phones are aligned. eclectus transcribes, and the words that it found rightly are compared.
"""

import argparse
import difflib
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from recipe.packs import Phones, open_pack
from recipe.voices.base import SynthesisError, run

PACK = "flite-held"
PAUSE = "pau"
VOWELS = frozenset(
    [
        "aa",
        "ae",
        "ah",
        "ao",
        "aw",
        "ax",
        "axr",
        "ay",
        "eh",
        "er",
        "ey",
        "ih",
        "iy",
        "ow",
        "oy",
        "uh",
        "uw",
    ]
)
GAP, OTHER, ALIKE = 2, 3, 1
"""Costs of an alignment: a phone left out, replaced by any, by a vowel for a vowel."""


class Timed(NamedTuple):
    """A word with its times in seconds."""

    word: str
    start: float
    end: float


def true_words(text: str, phones: Phones) -> list[Timed]:
    """Returns the words of an utterance with their times; none where they can't be told."""
    words = text.split()
    expected = [(phone, place) for place, word in enumerate(words) for phone in spoken(word)]
    starts = [0.0, *(end for _, end in phones)]
    heard = [
        (phone, start, end)
        for (phone, end), start in zip(phones, starts, strict=False)
        if phone != PAUSE
    ]
    pairs = align([phone for phone, _ in expected], [phone for phone, _, _ in heard])
    spans: dict[int, list[tuple[float, float]]] = {}
    for mine, theirs in pairs:
        spans.setdefault(expected[mine][1], []).append(heard[theirs][1:])
    if len(pairs) < 0.8 * max(len(expected), len(heard)):
        return []
    return [
        Timed(words[place], found[0][0], found[-1][1]) for place, found in sorted(spans.items())
    ]


@functools.cache
def spoken(word: str) -> tuple[str, ...]:
    """Returns the phones with which flite says a word alone; none if it says nothing."""
    try:
        printed = run(["flite", "-voice", "kal16", "-ps", "-t", word, "none"])
    except SynthesisError:
        return ()
    return tuple(phone for phone in printed.split() if phone != PAUSE)


def align(expected: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Returns the pairs of places in the cheapest alignment of two rows of phones."""
    costs = np.zeros((len(expected) + 1, len(heard) + 1), dtype=np.int64)
    costs[:, 0] = GAP * np.arange(len(expected) + 1)
    costs[0] = GAP * np.arange(len(heard) + 1)
    for i, mine in enumerate(expected):
        for j, theirs in enumerate(heard):
            costs[i + 1, j + 1] = min(
                costs[i, j] + _change(mine, theirs), costs[i, j + 1] + GAP, costs[i + 1, j] + GAP
            )
    pairs = []
    i, j = len(expected), len(heard)
    while i and j:
        if costs[i, j] == costs[i - 1, j - 1] + _change(expected[i - 1], heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif costs[i, j] == costs[i - 1, j] + GAP:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _change(mine: str, theirs: str) -> int:
    if mine == theirs:
        return 0
    return ALIKE if mine in VOWELS and theirs in VOWELS else OTHER


def match(found: Sequence[Timed], truth: Sequence[Timed]) -> list[tuple[Timed, Timed]]:
    """Pairs the words that are the same but for case and punctuation."""
    plain = [[_plain(item.word) for item in side] for side in (found, truth)]
    blocks = difflib.SequenceMatcher(None, *plain, autojunk=False).get_matching_blocks()
    return [
        (found[block.a + step], truth[block.b + step])
        for block in blocks
        for step in range(block.size)
    ]


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())


def summarize(errors: Sequence[float]) -> dict[str, float]:
    """Returns milliseconds: the error's size (median, 95th percentile) and its sign (median)."""
    size = np.abs(errors)
    values = (np.median(size), np.percentile(size, 95), np.median(errors))
    return {
        name: round(1000 * float(value), 1)
        for name, value in zip(("median_ms", "p95_ms", "bias_ms"), values, strict=True)
    }


def measure(model: Path, data: Path, count: int, precision: str) -> dict[str, Any]:
    """Transcribes the held-out speech of flite and compares word times."""
    import eclectus

    pack = open_pack(data, PACK)
    pairs: list[tuple[Timed, Timed]] = []
    words = 0
    with eclectus.load(model, precision=precision) as recognizer:
        for index in range(min(count, pack.count)):
            truth = true_words(pack.text(index), pack.phones(index) or [])
            if not truth:
                continue
            samples = pack.audio(index).astype(np.float32) / 32768
            found = recognizer.transcribe(samples, sample_rate=16_000).words
            words += len(truth)
            pairs += match([Timed(w.text, w.start, w.end) for w in found], truth)
    if not pairs:
        raise SystemExit("no word was found rightly")
    return {
        "words": words,
        "matched": len(pairs),
        "start": summarize([found.start - true.start for found, true in pairs]),
        "end": summarize([found.end - true.end for found, true in pairs]),
    }


def main() -> None:
    """Writes the errors of word times as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("model", type=Path, help="folder of exported graphs")
    parser.add_argument("--data", type=Path, required=True, help="folder of the packs")
    parser.add_argument("--count", type=int, default=200, help="utterances")
    parser.add_argument("--precision", default="auto", help="fp32 or int8; auto takes fp32 first")
    given = parser.parse_args()
    json.dump(measure(given.model, given.data, given.count, given.precision), sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
