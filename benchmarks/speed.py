r"""Two recognisers against each other, in turns, on one set of clips and weights.

    python -m benchmarks.speed --model MODELS/parakeet-0.6b-random --audio SPEECH \
        --clips 32x5-20 --a eclectus:fp32:16 --b onnx_asr:fp32:1 \
        --python onnx_asr=PEER_ENV/bin/python --rounds 7

Each lives in a fresh process of its own and waits while the other works: A B B A A B …, so that
a machine that slows down slows both. The first turn of each warms up and does not count. The
ratio is the median over the rounds of B's time by A's: above 1, A is faster. `--stage` times one
stage; `--stage search` gives both the same encoder outputs (A's).
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.clips import spread, write_clips
from benchmarks.compare.client import Contender, Worker


@dataclass
class Turns:
    """What one side took.

    Attributes:
        wall: Seconds a round.
        cpu: Processor seconds a round.
        peak_mib: Highest memory of its process so far.
        tokens: Tokens found, to see that both did the same work; None if not told.
    """

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    tokens: int | None = None

    def add(self, answer: dict[str, Any]) -> None:
        """Take in the answer of one turn."""
        self.wall.append(answer["wall_s"])
        self.cpu.append(answer["cpu_s"])
        self.peak_mib = answer["peak_mib"]
        ids = [found["ids"] for found in answer["found"] or []]
        self.tokens = None if None in ids or not ids else sum(map(len, ids))


def main() -> None:
    """Measure and print; `--out` keeps the row."""
    options = _parse()
    pythons = dict(entry.split("=", 1) for entry in options.python)
    sides = [Contender.parse(text, pythons, sys.executable) for text in (options.a, options.b)]
    lengths = parse_clips(options.clips)
    with tempfile.TemporaryDirectory() as scratch:
        clips = write_clips(options.audio, lengths, Path(scratch))
        with (
            Worker(sides[0], options.model, options.threads) as a,
            Worker(sides[1], options.model, options.threads) as b,
        ):
            turns = alternate(a, b, options.stage, clips, options.rounds)
            loads = [a.started, b.started]
    row = summarize(turns, sum(lengths)) | {
        "benchmark": options.stage,
        "model": options.model.name,
        "clips": options.clips,
        "threads": options.threads,
        "a": str(sides[0]),
        "b": str(sides[1]),
        "load_s": [load["load_s"] for load in loads],
    }
    show(row)
    results.append(options.out, row)


def alternate(
    a: Worker, b: Worker, stage: str, clips: list[Path], rounds: int
) -> tuple[Turns, Turns]:
    """Let both work in turns, the first of a round being the second of the next."""
    more: dict[str, object] = {}
    if stage == "search":
        more["encoded"] = str(clips[0].with_suffix(".npz"))
        a.ask(stage, clips, keep=more["encoded"])
    turns = Turns(), Turns()
    sides = [(a, turns[0]), (b, turns[1])]
    for round_ in range(rounds + 1):
        for worker, record in sides if round_ % 2 else reversed(sides):
            answer = worker.ask(stage, clips, **more)
            if round_ > 0:
                record.add(answer)
    return turns


def summarize(turns: tuple[Turns, Turns], audio_s: float) -> dict[str, Any]:
    """Return medians, times real time, and the paired ratios."""
    a, b = turns
    ratios = sorted(theirs / ours for ours, theirs in zip(a.wall, b.wall, strict=True))
    walls = [statistics.median(side.wall) for side in turns]
    return {
        "audio_s": round(audio_s, 2),
        "rounds": len(ratios),
        "wall_s": walls,
        "rtfx": [audio_s / wall for wall in walls],
        "cpu_s": [statistics.median(side.cpu) for side in turns],
        "peak_mib": [side.peak_mib for side in turns],
        "tokens": [side.tokens for side in turns],
        "ratio": statistics.median(ratios),
        "ratio_range": [ratios[0], ratios[-1]],
    }


def show(row: dict[str, Any]) -> None:
    """Print a row for people."""
    print(f"{row['benchmark']}, {row['model']}, {row['clips']}, {row['threads']} threads")
    for i, side in enumerate("ab"):
        print(
            f"  {row[side]:24} {row['wall_s'][i]:8.3f} s  {row['rtfx'][i]:8.1f} x real time"
            f"  cpu {row['cpu_s'][i]:.3f} s  peak {row['peak_mib'][i]:.0f} MiB"
            f"  load {row['load_s'][i]:.1f} s  tokens {row['tokens'][i]}"
        )
    low, high = row["ratio_range"]
    print(f"  a is {row['ratio']:.3f} times as fast as b ({low:.3f} to {high:.3f})", flush=True)


def parse_clips(text: str) -> list[float]:
    """Read `1x25` (one clip of 25 s) or `32x5-20` (32 clips of 5 to 20 s)."""
    count, _, seconds = text.partition("x")
    shortest, _, longest = seconds.partition("-")
    return spread(int(count), float(shortest), float(longest or shortest))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder from make_models.py")
    parser.add_argument("--audio", type=Path, help="folder of 16 kHz speech; else synthetic")
    parser.add_argument("--clips", default="1x25", help="COUNTxSECONDS or COUNTxFROM-TO")
    parser.add_argument("--a", default="eclectus:fp32:1", help="PEER:PRECISION:BATCH")
    parser.add_argument("--b", default="onnx_asr:fp32:1", help="PEER:PRECISION:BATCH")
    parser.add_argument(
        "--stage", choices=["pipeline", "features", "encode", "search"], default="pipeline"
    )
    parser.add_argument(
        "--python", action="append", default=[], metavar="PEER=PATH", help="interpreter of a peer"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
