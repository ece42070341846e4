"""Does a live stream's memory grow, and do streams leave anything behind when they end?

    python -m benchmarks.soak --audio SPEECH --hours 2 --sessions 200

One session hears hours of speech, as fast as it can be computed; then sessions are opened and
closed in a loop. Resident memory is read along the way: after a warm-up it should stay flat.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from pathlib import Path

import numpy as np

import eclectus
from benchmarks import results
from benchmarks.clips import RATE, find_audio, read, synthetic_clip

_BLOCK = round(0.2 * RATE)


def main() -> None:
    """Measure both and print."""
    given = _parse()
    sounds = [read(path) for path in find_audio([given.audio])] if given.audio else []
    sound = np.concatenate(sounds or [synthetic_clip(60.0)])
    with eclectus.load(given.model) as model:
        long = _one_session(model, sound, given.hours)
        many = _many_sessions(model, sound[: 5 * RATE], given.sessions)
    results.append(
        given.out,
        {
            "benchmark": "soak",
            "model": model.config.name,
            "hours": given.hours,
            "long_mib": long,
            "sessions": given.sessions,
            "many_mib": many,
            "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
    )


def _one_session(model: eclectus.Model, sound: np.ndarray, hours: float) -> list[float]:
    """Return resident MiB ten times along the way."""
    session = model.stream()
    wanted = round(hours * 3600 * RATE)
    seen: list[float] = []
    words, done, begun = 0, 0, time.perf_counter()
    while done < wanted:
        start = done % len(sound)
        piece = sound[start : start + _BLOCK]
        for event in session.push(piece):
            words += len(getattr(event, "words", ())) if type(event).__name__ == "Final" else 0
        done += len(piece)
        if done >= (len(seen) + 1) * wanted / 10:
            seen.append(_resident_mib())
            rtfx = done / RATE / (time.perf_counter() - begun)
            print(f"{done / RATE / 3600:5.2f} h  {seen[-1]:7.1f} MiB  {words} words  {rtfx:.0f} x")
    session.finish()
    return seen


def _many_sessions(model: eclectus.Model, sound: np.ndarray, count: int) -> list[float]:
    """Open, use and close sessions, every third without an end; return MiB ten times."""
    seen: list[float] = []
    for number in range(count):
        session = model.stream()
        session.push(sound)
        if number % 3:
            session.finish()
        del session
        if (number + 1) * 10 % count < 10:
            gc.collect()
            seen.append(_resident_mib())
    print("sessions:", " ".join(f"{value:.1f}" for value in seen), "MiB")
    return seen


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--audio", type=Path, help="folder of speech; else synthetic sound")
    parser.add_argument("--model", help="name or folder; else the built-in model")
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
