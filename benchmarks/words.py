"""Word error rate of a model on a folder with transcripts."""

from __future__ import annotations

import csv
import re
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import jiwer

from benchmarks import results
from benchmarks.compare.client import Contender, Worker

_SPELLINGS = {
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "st": "saint",
    "o'clock": "oclock",
    "&": "and",
    "%": "percent",
}
_CONTRACTIONS = (
    (r"\bwon't\b", "will not"),
    (r"\bcan't\b", "can not"),
    (r"\blet's\b", "let us"),
    (r"n't\b", " not"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
    (r"'m\b", " am"),
    (r"'d\b", " would"),
)
_FILLERS = {"uh", "um", "hmm", "mm", "mhm", "mmm"}


def normalize(text: str) -> str:
    """Bring two spellings of the same words together, in the spirit of Whisper's normaliser.

    Lower case, no bracketed remarks, fillers, punctuation or accents; contractions and titles
    written out. Numbers stay as they are.
    """
    text = re.sub(r"[<\[(][^>\])]*[>\])]", " ", text.lower().replace("’", "'"))
    for pattern, words in _CONTRACTIONS:
        text = re.sub(pattern, words, text)
    kept = [_SPELLINGS.get(word.strip(".,;:!?\"'"), word) for word in text.split()]
    plain = unicodedata.normalize("NFKD", " ".join(kept))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = re.sub(r"[^\w\s]", " ", plain.replace("'", ""))
    return " ".join(word for word in plain.split() if word not in _FILLERS)


def report_words(model: Path, folders: Sequence[Path], precision: str, out: Path | None) -> int:
    """Transcribe the files that transcripts.tsv names and print the word error rate."""
    contender = Contender("eclectus", precision, 16, sys.executable)
    with Worker(contender, model, 2) as worker:
        for folder in folders:
            truth = read_transcripts(folder)
            answer = worker.ask("pipeline", [folder / name for name in truth])
            heard = [normalize(found["text"]) for found in answer["found"]]
            rate = jiwer.process_words([normalize(text) for text in truth.values()], heard)
            print(f"{model.name} {precision} on {folder}: {len(truth)} files, WER {rate.wer:.2%}")
            results.append(
                out,
                {
                    "benchmark": "words",
                    "model": model.name,
                    "precision": precision,
                    "audio": folder.name,
                    "files": len(truth),
                    "wer": rate.wer,
                },
            )
    return 0


def read_transcripts(folder: Path) -> dict[str, str]:
    """Return text by file name, without files whose transcript is empty."""
    with (folder / "transcripts.tsv").open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["file"]: row["text"] for row in rows if normalize(row["text"])}
