"""Live streams of several recognisers on the same weights and files, in turns.

    python -m benchmarks.live --model MODEL --audio FOLDER --contexts 10-2-2 \
        --peers eclectus nemo parakeet_mlx --python nemo=PATH --python parakeet_mlx=PATH

MODEL is a folder of `make_models.py`. Each file is streamed by each peer before the next file, so
that a machine whose speed drifts is fair to all. Latencies are counted from the end of each word as
the peer itself reports it; a peer without drafts shows a word when it is final.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jiwer
import numpy as np

from benchmarks import results
from benchmarks.compare.client import Contender, Worker
from benchmarks.latency import transcribed_files
from benchmarks.words import normalize


def main() -> None:
    """Measure and print."""
    given = _parse()
    files = transcribed_files(given.audio, given.every)
    pythons = dict(pair.split("=", 1) for pair in given.python)
    with ExitStack() as stack:
        workers = [
            stack.enter_context(Worker(contender, given.model, given.threads))
            for contender in (
                Contender.parse(name, pythons, sys.executable) for name in given.peers
            )
        ]
        for contexts in given.contexts:
            for row in measure(workers, files, contexts):
                results.append(given.out, {"model": given.model.name, **row})
                print(_line(row), flush=True)


def measure(
    workers: list[Worker], files: list[tuple[Path, str]], contexts: str
) -> list[dict[str, Any]]:
    """Stream all files by all workers, file by file, and summarise each worker."""
    seconds = [float(part) for part in contexts.split("-")]
    streams: dict[Worker, list[dict[str, Any]]] = {worker: [] for worker in workers}
    for worker in workers:  # what a first call costs is not counted
        worker.ask("stream", [files[0][0]], contexts=seconds)
    for path, _ in files:
        for worker in workers:
            streams[worker] += worker.ask("stream", [path], contexts=seconds)["streams"]
    references = [normalize(text) for _, text in files]
    return [_summary(str(w.contender), contexts, found, references) for w, found in streams.items()]


def _summary(
    peer: str, contexts: str, streams: list[dict[str, Any]], references: list[str]
) -> dict[str, Any]:
    computing = sum(stream["computing_s"] for stream in streams)
    return {
        "benchmark": "live",
        "peer": peer,
        "contexts": contexts,
        "files": len(streams),
        "wer": jiwer.wer(references, [normalize(stream["text"]) for stream in streams]),
        "draft_s": _spread([wait for stream in streams for wait in stream["draft"]]),
        "final_s": _spread([wait for stream in streams for wait in stream["final"]]),
        "slowest_block_s": max(stream["slowest_s"] for stream in streams),
        "rtfx": sum(stream["audio_s"] for stream in streams) / computing,
    }


def _spread(values: list[float]) -> list[float]:
    """Return median and 95th percentile."""
    return [statistics.median(values), float(np.percentile(values, 95))] if values else [0.0, 0.0]


def _line(row: dict[str, Any]) -> str:
    draft, final = row["draft_s"], row["final_s"]
    return (
        f"{row['contexts']:12} {row['peer']:22} wer {row['wer']:6.1%}  draft {draft[0]:5.2f} "
        f"({draft[1]:5.2f}) s  final {final[0]:5.2f} ({final[1]:5.2f}) s  "
        f"slowest block {row['slowest_block_s']:5.2f} s  {row['rtfx']:6.1f} x real time"
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder of make_models.py")
    parser.add_argument("--audio", type=Path, required=True, help="folder with transcripts.tsv")
    parser.add_argument("--peers", nargs="+", default=["eclectus"], help="peer[:precision]")
    parser.add_argument("--python", action="append", default=[], metavar="PEER=PATH")
    parser.add_argument("--contexts", nargs="+", default=["10-2-2"])
    parser.add_argument("--every", type=int, default=1, help="take each N-th file only")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
