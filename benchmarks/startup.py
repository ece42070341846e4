"""How long until something happens: import, help text, first word, each in fresh processes.

python -m benchmarks.startup --clip tests/data/garden.flac
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import results

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def main() -> None:
    """Measure and print medians; `--out` keeps the row."""
    options = _parse()
    program = str(Path(sys.executable).parent / "eclectus")
    model = ["--model", options.model] if options.model else []
    transcribe = [program, "transcribe", str(options.clip)]
    rows = {
        "import_s": lambda: imported("eclectus"),
        "import_numpy_s": lambda: imported("numpy"),
        "python_s": lambda: finished([sys.executable, "-c", "pass"]),
        "help_s": lambda: finished([program, "--help"]),
        "first_word_s": lambda: first_output([*transcribe, *model]),
    }
    found = {name: median(measure, options.rounds) for name, measure in rows.items()}
    for name, value in found.items():
        print(f"{name:16} {1000 * value:8.1f} ms")
    results.append(options.out, {"benchmark": "startup", "model": options.model or "tiny"} | found)


def median(measure: Callable[[], float], rounds: int) -> float:
    """Measure once to warm the file cache, then return the median of some rounds."""
    measure()
    return statistics.median(measure() for _ in range(rounds))


def imported(module: str) -> float:
    """Return the seconds that an import takes inside a fresh interpreter."""
    command = [sys.executable, "-c", _IMPORT.format(module)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def finished(command: list[str]) -> float:
    """Return the seconds until a program has ended."""
    begin = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - begin


def first_output(command: list[str]) -> float:
    """Return the seconds until a program has written its first byte."""
    begin = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        assert process.stdout is not None
        first = process.stdout.read(1)
        seconds = time.perf_counter() - begin
        process.stdout.read()
    if not first or process.returncode:
        raise SystemExit(f"{' '.join(command)} wrote nothing or failed ({process.returncode})")
    return seconds


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", type=Path, required=True, help="a short speech file")
    parser.add_argument("--model", help="name or folder; the built-in one if missing")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
