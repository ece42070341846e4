r"""Does eclectus find exactly what NeMo finds, and how many words does a model get wrong?

    python -m benchmarks.accuracy tokens --model MODELS/small-tdt-128 --audio SPEECH \
        --oracle-python NEMO_ENV/bin/python --batch 1 4 16
    python -m benchmarks.accuracy arrays --model MODELS/small-tdt-128 --audio SPEECH \
        --oracle-python NEMO_ENV/bin/python
    python -m benchmarks.accuracy words --model tiny --audio SPEECH

`tokens` compares ids, frames and durations, file by file, with NeMo's greedy search and fails if
one differs; peers are compared on request. `arrays` prints the largest differences of features
and encoder outputs. `words` needs transcripts.tsv (columns
`file` and `text`) in the folder of audio and prints the word error rate.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import results
from benchmarks.clips import find_audio
from benchmarks.compare.client import Contender, Worker

_ROOT = Path(__file__).parents[1]
_FIELDS = ("ids", "frames", "durations")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One file in which two searches differ.

    Attributes:
        file: Its name.
        field: ids, frames or durations.
        position: The first token that differs.
        ours: Ours from there on, a few.
        theirs: Theirs.
    """

    file: str
    field: str
    position: int
    ours: list[int]
    theirs: list[int]


def main() -> int:
    """Run what the command line asks for; 1 if tokens differ."""
    options = _parse()
    if options.command == "words":
        from benchmarks.words import report_words

        return report_words(options.model, options.audio, options.precision, options.out)
    if options.command == "arrays":
        return _arrays(options)
    return _tokens(options)


def _arrays(options: argparse.Namespace) -> int:
    from benchmarks.arrays import report_arrays

    files = find_audio(options.audio)
    with tempfile.TemporaryDirectory() as scratch:
        reference = options.reference
        if reference is None:
            reference = Path(scratch)
            everything = ["--arrays", scratch, "--arrays-of", str(len(files))]
            _run_oracle(options, files, Path(scratch, "reference.jsonl"), everything)
        return report_arrays(options.model, files, options.precision, reference, options.out)


def _tokens(options: argparse.Namespace) -> int:
    files = find_audio(options.audio)
    expected = _references(options, files)
    ours = Contender("eclectus", options.precision, 1, sys.executable)
    failed = 0
    with Worker(ours, options.model, options.threads) as worker:
        for batch in options.batch:
            found = list(search_in_batches(worker, files, batch))
            wrong = compare(files, found, expected)
            failed += len(wrong)
            _report(options, f"eclectus, batch {batch}", files, wrong)
    for peer, python in (entry.split("=", 1) for entry in options.peer):
        theirs = Contender(peer, options.precision, 1, python)
        with Worker(theirs, options.model, options.threads) as worker:
            found = list(search_in_batches(worker, files, 1))
            _report(options, f"{peer}, batch 1", files, compare(files, found, expected))
    return 1 if failed else 0


def search_in_batches(
    worker: Worker, files: Sequence[Path], batch: int
) -> Iterator[dict[str, Any]]:
    """Yield what a recogniser's own features, encoder and search give for each file, in order."""
    stage = "search" if worker.started["staged"] else "pipeline"
    for i in range(0, len(files), batch):
        yield from worker.ask(stage, files[i : i + batch])["found"]


def compare(
    files: Sequence[Path], found: Sequence[dict[str, Any]], expected: dict[str, dict[str, Any]]
) -> list[Mismatch]:
    """Return the first difference of each file that has one; what a side omits is not compared."""
    wrong = []
    for path, ours in zip(files, found, strict=True):
        theirs = expected[path.name]
        for field in _FIELDS:
            if ours[field] is None or theirs.get(field) is None or ours[field] == theirs[field]:
                continue
            position = _first_difference(ours[field], theirs[field])
            span = slice(position, position + 5)
            wrong.append(
                Mismatch(path.name, field, position, ours[field][span], theirs[field][span])
            )
            break
    return wrong


def _first_difference(ours: Sequence[int], theirs: Sequence[int]) -> int:
    pairs = zip(ours, theirs, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(ours), len(theirs)))


def _references(options: argparse.Namespace, files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """Read NeMo's answers, or have it give them."""
    if options.reference is None:
        with tempfile.TemporaryDirectory() as scratch:
            out = Path(scratch, "reference.jsonl")
            head = ["--head", options.head] if options.head else []
            _run_oracle(options, files, out, head)
            return _read_references(out)
    return _read_references(options.reference)


def _run_oracle(
    options: argparse.Namespace, files: Sequence[Path], out: Path, more: Sequence[str]
) -> None:
    if options.oracle_python is None:
        raise SystemExit("give --oracle-python (an environment with NeMo) or --reference")
    archive = next(p for p in (options.model, options.model.parent) if (p / "model.nemo").exists())
    command = [options.oracle_python, "-m", "benchmarks.nemo_reference"]
    command += [str(archive / "model.nemo"), *map(str, files), "--out", str(out), *more]
    subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)


def _read_references(path: Path) -> dict[str, dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {row["file"]: row for row in map(json.loads, lines)}


def _report(
    options: argparse.Namespace, what: str, files: Sequence[Path], wrong: Sequence[Mismatch]
) -> None:
    equal = len(files) - len(wrong)
    model = options.model.name
    if model.startswith("onnx"):  # the CTC head of a hybrid has a folder of its own
        model = f"{options.model.parent.name} {model}"
    print(f"{model}, {what}: {equal} of {len(files)} files equal NeMo's")
    for mismatch in wrong[:10]:
        print(f"  {mismatch}")
    results.append(
        options.out,
        {
            "benchmark": "tokens",
            "model": model,
            "who": what,
            "precision": options.precision,
            "audio": ", ".join(path.name for path in options.audio[:3]),
            "files": len(files),
            "equal": equal,
        },
    )


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    tokens = commands.add_parser("tokens", help="compare with NeMo")
    arrays = commands.add_parser("arrays", help="compare features and encoder outputs with NeMo")
    words = commands.add_parser("words", help="word error rate")
    for command in (tokens, arrays, words):
        command.add_argument("--model", type=Path, required=True)
        command.add_argument("--audio", type=Path, nargs="+", required=True)
        command.add_argument("--precision", default="fp32")
        command.add_argument("--out", type=Path, help="results as JSON lines")
    for command in (tokens, arrays):
        command.add_argument("--oracle-python", help="interpreter of an environment with NeMo")
        command.add_argument(
            "--reference", type=Path, help="what nemo_reference.py wrote; else it is run"
        )
    tokens.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help="compare this one too; the interpreter of its environment",
    )
    tokens.add_argument("--head", help="of a hybrid; the model is then its onnx-ctc folder")
    tokens.add_argument("--batch", type=int, nargs="+", default=[1, 4, 16])
    tokens.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
