"""Does memory grow with the length of a file? Peak of a long file by that of a short one.

    python -m benchmarks.memory --audio SPEECH --short-s 180 --long-s 10800

Each file is transcribed in a fresh process; the peak is the kernel's count of resident memory.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import results
from benchmarks.clips import RATE, find_audio, read, synthetic_clip

_CHILD = """
import resource, sys
from eclectus.core.choices import Precision
import eclectus
path, model, precision, threads = sys.argv[1:]
with eclectus.load(model, precision=precision, threads=int(threads)) as recognizer:
    words = len(recognizer.transcribe(path).words)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, words)
"""


def main() -> None:
    """Measure both files; the ratio should stay near 1."""
    options = _parse()
    rows = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, seconds in (("short", options.short_s), ("long", options.long_s)):
            path = Path(scratch, f"{name}.flac")
            write_speech(options.audio, seconds, path)
            rows[name] = measure(path, options)
            peak, wall, words = rows[name]
            print(f"{name}: {seconds} s, peak {peak:.0f} MiB, {wall:.1f} s, {words} words")
    ratio = rows["long"][0] / rows["short"][0]
    print(f"ratio {ratio:.3f}")
    results.append(
        options.out,
        {
            "benchmark": "memory",
            "model": options.model,
            "precision": options.precision,
            "seconds": [options.short_s, options.long_s],
            "peak_mib": [rows["short"][0], rows["long"][0]],
            "wall_s": [rows["short"][1], rows["long"][1]],
            "ratio": ratio,
        },
    )


def measure(path: Path, options: argparse.Namespace) -> tuple[float, float, int]:
    """Transcribe a file in a fresh process; return peak MiB, wall seconds and words."""
    command = [sys.executable, "-c", _CHILD, str(path), options.model, options.precision]
    begin = time.perf_counter()
    done = subprocess.run(
        [*command, str(options.threads)], capture_output=True, text=True, check=True
    )
    wall = time.perf_counter() - begin
    peak, words = done.stdout.split()[-2:]
    return float(peak), wall, int(words)


def write_speech(source: Path | None, seconds: float, path: Path) -> None:
    """Write a folder's speech one file after the other, repeated, as one FLAC file."""
    blocks = [read(p) for p in find_audio([source])] if source else [synthetic_clip(60.0)]
    block = np.concatenate(blocks)
    left = int(seconds * RATE)
    with soundfile.SoundFile(path, "w", RATE, 1, "PCM_16") as out:
        while left > 0:
            out.write(block[:left])
            left -= len(block)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="tiny", help="name or folder that eclectus loads")
    parser.add_argument("--audio", type=Path, help="folder of 16 kHz speech; else synthetic")
    parser.add_argument("--short-s", type=float, default=180.0)
    parser.add_argument("--long-s", type=float, default=10_800.0)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
