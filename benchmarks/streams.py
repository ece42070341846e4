"""How many real-time streams does this machine hold?

    python -m benchmarks.streams --audio SPEECH --counts 10 20 40 80 --seconds 30

N streams speak at once, each at its own pace with a start of its own, and share one scheduler. Real
time passes: a count is held if 95 of 100 finals after an endpoint come within the limit.
"""

from __future__ import annotations

import argparse
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import eclectus
from benchmarks import results
from benchmarks.clips import RATE, find_audio, read, synthetic_clip
from eclectus.core.options import EndpointOptions, GreedySearch, LiveOptions, StreamOptions
from eclectus.streaming.events import Endpoint, EndpointReason, Partial
from eclectus.streaming.scheduler import StreamScheduler

_BLOCK_S = 0.1
_PAUSE_S = 1.5


@dataclass
class Waits:
    """Seconds from the arrival of the block to its events, for all streams."""

    final: list[float] = field(default_factory=list)
    block: list[float] = field(default_factory=list)
    drafts: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> None:
    """Try one count after the other."""
    given = _parse()
    paths = find_audio([given.audio]) if given.audio else []
    sounds = [read(path) for path in paths[:: max(1, len(paths) // 24)]] or [synthetic_clip(10.0)]
    left, chunk, right = (float(part) for part in given.contexts.split("-"))
    live = LiveOptions(left_s=left, chunk_s=chunk, right_s=right)
    options = StreamOptions(live=live, endpoint=EndpointOptions(detector=given.detector))
    with eclectus.load(given.model, precision=given.precision, threads=given.threads) as model:
        for count in given.counts:
            waits = _try(model, options, _speeches(sounds, count, given.seconds), given.threads)
            row = _row(waits, count)
            results.append(
                given.out,
                {"model": model.config.name, **row}
                | {
                    "contexts": given.contexts,
                    "threads": given.threads,
                    "detector": given.detector,
                },
            )
            print(
                f"{count:4} streams: final after the endpoint {row['final_s'][0]:.3f} "
                f"({row['final_s'][1]:.3f}) s, any block {row['block_s'][0]:.3f} "
                f"({row['block_s'][1]:.3f}) s, {row['drafts_per_s']:.2f} drafts a second each"
                f"{'' if row['final_s'][1] <= given.limit_s else '   NOT HELD'}",
                flush=True,
            )


def _speeches(
    sounds: list[NDArray[np.float32]], count: int, seconds: float
) -> list[NDArray[np.float32]]:
    """Give each stream utterances with pauses, none the same order, none from the same place."""
    pause = np.zeros(round(_PAUSE_S * RATE), np.float32)
    speeches = []
    for number in range(count):
        random = np.random.default_rng(number)
        order = random.permutation(len(sounds))
        parts = [part for place in order for part in (sounds[place], pause)]
        whole = np.concatenate(
            [np.concatenate(parts)] * (1 + round(seconds * RATE) // sum(map(len, parts)))
        )
        speeches.append(np.roll(whole, random.integers(len(whole)))[: round(seconds * RATE)])
    return speeches


def _try(
    model: eclectus.Model,
    options: StreamOptions,
    speeches: list[NDArray[np.float32]],
    threads: int | None,
) -> Waits:
    scheduler = StreamScheduler(model.stream_engine(GreedySearch()), threads=threads)
    waits = Waits()
    threads = [
        threading.Thread(target=_speak, args=(model, options, scheduler, speech, place, waits))
        for place, speech in enumerate(speeches)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    scheduler.close()
    return waits


def _speak(
    model: eclectus.Model,
    options: StreamOptions,
    scheduler: StreamScheduler,
    speech: NDArray[np.float32],
    place: int,
    waits: Waits,
) -> None:
    """Push one stream at its pace, and note how late its events are."""
    session = model.stream(options)
    block = round(_BLOCK_S * RATE)
    begun = time.perf_counter() + (place * 0.37) % 3.0
    for number, start in enumerate(range(0, len(speech), block), 1):
        due = begun + number * _BLOCK_S
        time.sleep(max(0.0, due - time.perf_counter()))
        events = scheduler.push(session, speech[start : start + block]).result()
        late = time.perf_counter() - due
        with waits.lock:
            waits.block.append(late)
            for event in events:
                waits.drafts += isinstance(event, Partial)
                if isinstance(event, Endpoint) and event.reason is EndpointReason.SILENCE:
                    waits.final.append(late)
    scheduler.finish(session).result()


def _row(waits: Waits, count: int) -> dict[str, Any]:
    return {
        "benchmark": "streams",
        "streams": count,
        "final_s": _spread(waits.final),
        "block_s": _spread(waits.block),
        "drafts_per_s": waits.drafts / (len(waits.block) * _BLOCK_S),
    }


def _spread(values: list[float]) -> tuple[float, float]:
    if not values:
        return (0.0, 0.0)
    return float(np.median(values)), float(np.percentile(values, 95))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--audio", type=Path, help="folder of speech; else synthetic sound")
    parser.add_argument("--model", help="name or folder; else the built-in model")
    parser.add_argument("--precision")
    parser.add_argument("--detector", default="auto", help="auto, silero or energy")
    parser.add_argument("--contexts", default="10-2-2")
    parser.add_argument("--threads", type=int, help="of the encoder; all cores if missing")
    parser.add_argument("--counts", type=int, nargs="+", default=[10, 20, 40, 60, 80])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--limit-s", type=float, default=0.2)
    parser.add_argument("--out", type=Path, help="results as JSON lines")
    return parser.parse_args()


if __name__ == "__main__":
    main()
