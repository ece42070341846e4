"""How soon a stream shows words, what that costs in word errors and in time.

    python -m benchmarks.latency --audio FOLDER --contexts 10-2-2 5-0.4-0.8

Audio is pushed in blocks on a virtual clock: a block arrives when its last sample was spoken, waits
until the blocks before it are done, and its events come when its own computing time (measured) has
passed. So the latencies are those of a live stream, and the run takes no longer than the computing.

A word's end is where the same stream's final word ends. It is seen with the first draft that has a
word at its place, right or not; its draft is the first one in which it stands, with the same
neighbours before it, until it is final.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from numpy.typing import NDArray

import eclectus
from benchmarks import results
from benchmarks.clips import read
from benchmarks.words import normalize
from eclectus.core.options import EndpointOptions, LiveOptions, StreamOptions
from eclectus.core.types import Word
from eclectus.streaming.events import Endpoint, Event, Final, Partial

RATE = 16_000
SILENCE_S = 1.2


@dataclass
class Tally:
    """What all files together gave; latencies in seconds."""

    seen: list[float] = field(default_factory=list)
    draft: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    endpoint: list[float] = field(default_factory=list)
    changed: int = 0
    shown: int = 0
    computing: float = 0.0
    audio: float = 0.0
    texts: list[str] = field(default_factory=list)


def follow(
    model: eclectus.Model, samples: NDArray[np.float32], options: StreamOptions, tally: Tally
) -> None:
    """Stream one file and note its latencies."""
    session = model.stream(options)
    samples = np.concatenate([samples, np.zeros(round(SILENCE_S * RATE), np.float32)])
    block = round(0.08 * RATE)
    clock, told = 0.0, list[tuple[float, Event]]()
    for start in range(0, len(samples), block):
        piece = samples[start : start + block]
        begun = time.perf_counter()
        events = session.push(piece)
        spent = time.perf_counter() - begun
        clock = max(clock, (start + len(piece)) / RATE) + spent
        tally.computing += spent
        told += [(clock, event) for event in events]
    told += [(clock, event) for event in session.finish()]
    tally.audio += len(samples) / RATE
    note(told, tally)


def note(told: Sequence[tuple[float, Event]], tally: Tally) -> None:
    """Read latencies from timed events."""
    silence = EndpointOptions().silence_s
    words: list[Word] = []
    first_seen: dict[int, float] = {}  # place in the stream -> when its draft showed it unchanged
    drafted: list[str] = []
    drafts: list[tuple[float, tuple[Word, ...]]] = []
    for clock, event in told:
        if isinstance(event, Partial):
            drafts.append((clock, event.words))
            texts = [word.text for word in event.words]
            same = _agreeing(drafted, texts)
            tally.changed += len(drafted) - same
            tally.shown += len(texts)
            kept = {p: c for p, c in first_seen.items() if p < len(words) + same}
            first_seen = kept | {len(words) + place: clock for place in range(same, len(texts))}
            drafted = texts
        elif isinstance(event, Final):
            for place, word in enumerate(event.words, len(words)):
                tally.final.append(clock - word.end)
                tally.seen.append(_first_seen(word, drafts, clock) - word.end)
                in_draft = place - len(words)
                right = in_draft < len(drafted) and drafted[in_draft] == word.text
                tally.draft.append((first_seen[place] if right else clock) - word.end)
            drafted = drafted[len(event.words) :]
            words += event.words
        elif isinstance(event, Endpoint):
            tally.endpoint.append(clock - (event.at + silence))
            drafted, first_seen, drafts = [], {}, []
    tally.texts.append(" ".join(word.text for word in words))


def _first_seen(
    word: Word, drafts: Sequence[tuple[float, tuple[Word, ...]]], final: float
) -> float:
    """Return when a draft first had a word where a final word lies."""
    middle = (word.start + word.end) / 2
    for clock, words in drafts:
        if any(one.start <= middle < one.end for one in words):
            return clock
    return final


def _agreeing(before: Sequence[str], after: Sequence[str]) -> int:
    pairs = zip(before, after, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(before), len(after)))


def measure(
    model: eclectus.Model, files: Sequence[tuple[Path, str]], contexts: str
) -> dict[str, Any]:
    """Measure one setting of the contexts over all files."""
    left, chunk, right = (float(part) for part in contexts.split("-"))
    options = StreamOptions(live=LiveOptions(left_s=left, chunk_s=chunk, right_s=right))
    tally = Tally()
    for path, _ in files:
        follow(model, read(path), options, tally)
    references = [normalize(text) for _, text in files]
    return {
        "benchmark": "latency",
        "model": model.config.name,
        "contexts": contexts,
        "files": len(files),
        "wer": jiwer.wer(references, [normalize(text) for text in tally.texts]),
        "seen_s": _spread(tally.seen),
        "draft_s": _spread(tally.draft),
        "final_s": _spread(tally.final),
        "endpoint_s": _spread(tally.endpoint),
        "changed_per_word": tally.changed / max(1, len(tally.final)),
        "rtfx": tally.audio / tally.computing,
    }


def offline(model: eclectus.Model, files: Sequence[tuple[Path, str]]) -> float:
    """Return the word error rate of the same files as files."""
    texts = [model.transcribe(read(path), sample_rate=RATE).text for path, _ in files]
    return float(jiwer.wer([normalize(text) for _, text in files], [normalize(t) for t in texts]))


def _spread(values: Sequence[float]) -> list[float]:
    """Return median and 95th percentile."""
    return [statistics.median(values), float(np.percentile(values, 95))] if values else []


def transcribed_files(folder: Path, every: int) -> list[tuple[Path, str]]:
    """Return each N-th recording of a folder with its transcript."""
    with (folder / "transcripts.tsv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    return [(folder / row["file"], row["text"]) for row in rows][::every]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--audio", type=Path, required=True, help="folder with transcripts.tsv")
    parser.add_argument("--model", help="name or folder; else the built-in model")
    parser.add_argument("--precision")
    parser.add_argument("--contexts", nargs="+", default=["10-2-2", "5-0.8-0.8", "5-0.4-0.4"])
    parser.add_argument("--every", type=int, default=1, help="take each N-th file only")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    given = parser.parse_args()
    files = transcribed_files(given.audio, given.every)
    with eclectus.load(given.model, precision=given.precision, threads=given.threads) as model:
        whole = offline(model, files)
        print(f"{model.config.name}: {len(files)} files, offline word error rate {whole:.1%}")
        for contexts in given.contexts:
            row = measure(model, files, contexts) | {"offline_wer": whole}
            results.append(given.out, row)
            seen, draft, final, end = (
                row[name] for name in ("seen_s", "draft_s", "final_s", "endpoint_s")
            )
            print(
                f"{contexts:14} wer {row['wer']:.1%}  after a word: seen {seen[0]:.2f} "
                f"({seen[1]:.2f}) s, draft {draft[0]:.2f} "
                f"({draft[1]:.2f}) s, final {final[0]:.2f} ({final[1]:.2f}) s; after the endpoint "
                f"{end[0]:.3f} ({end[1]:.3f}) s; {row['changed_per_word']:.2f} words changed a "
                f"word; {row['rtfx']:.0f} x real time",
                flush=True,
            )


if __name__ == "__main__":
    main()
