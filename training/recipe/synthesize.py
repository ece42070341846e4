"""Make a pack of synthetic speech; run it again to go on where it stopped.

python -m recipe.synthesize --voice flite --hours 5 --out DATA --text sentences.txt.gz
"""

import argparse
import importlib
import logging
import multiprocessing
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from recipe.packs import PackWriter
from recipe.text import Split, script
from recipe.voices.base import Engine, Spoken, SynthesisError

log = logging.getLogger("synthesize")

ENGINES = {
    "flite": "recipe.voices.flite:Flite",
    "joe": "recipe.voices.joe:Joe",
    "kokoro": "recipe.voices.kokoro:Kokoro",
    "festival": "recipe.voices.festival:Festival",
    "espeak": "recipe.voices.espeak:Espeak",
}


class Job(NamedTuple):
    """Which engine speaks which split with which seed."""

    engine: str
    split: Split
    seed: int


def load_engine(name: str) -> Engine:
    """Make the engine of this name.

    Raises:
        SynthesisError: If a program or a file that it needs is missing.
    """
    module, _, kind = ENGINES[name].partition(":")
    engine: Engine = getattr(importlib.import_module(module), kind)()
    return engine


def synthesize(job: Job, sentences: Sequence[str], hours: float, out: Path, jobs: int = 1) -> float:
    """Speak sentences in order until the pack `engine-split` has this many hours.

    What a sentence sounds like depends on the job and the sentence only, so neither a restart
    nor the number of processes changes the pack.

    Returns:
        The hours that the pack has now.
    """
    with PackWriter(out, f"{job.engine}-{job.split}") as pack:
        todo = sentences[_next(sentences, [entry.text for entry in pack.entries]) :]
        began, before, reported = time.monotonic(), pack.seconds, time.monotonic()
        if pack.seconds >= hours * 3600:
            return pack.seconds / 3600
        for text, spoken in _speak(job, todo, jobs):
            if spoken is not None:
                pack.append(spoken.samples, spoken.voice, text, spoken.phones)
            if time.monotonic() - reported > 10:
                reported = time.monotonic()
                _report(job, pack, (pack.seconds - before) / (reported - began))
            if pack.seconds >= hours * 3600:
                break
        _report(job, pack, (pack.seconds - before) / (time.monotonic() - began))
        return pack.seconds / 3600


def _next(sentences: Sequence[str], spoken: Sequence[str]) -> int:
    """The position after the last sentence that is in the pack already."""
    if not spoken:
        return 0
    try:
        return sentences.index(spoken[-1]) + 1
    except ValueError as error:
        raise SystemExit("the pack was made from other sentences or another seed") from error


def _report(job: Job, pack: PackWriter, speed: float) -> None:
    log.info(
        "%s-%s: %d utterances, %.3f h, %.1f times real time",
        *(job.engine, job.split, len(pack.entries), pack.seconds / 3600, speed),
    )


def _speak(job: Job, texts: Sequence[str], jobs: int) -> Iterator[tuple[str, Spoken | None]]:
    """Speak the texts in order; None for one that failed."""
    if jobs == 1:
        _start(job)
        yield from ((text, _say(text)) for text in texts)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _start, (job,)) as pool:
        yield from zip(texts, pool.imap(_say, texts, chunksize=4), strict=True)


_state: dict[str, tuple[Job, Engine]] = {}
"""The engine of this process."""


def _start(job: Job) -> None:
    _state["now"] = job, load_engine(job.engine)


def _say(text: str) -> Spoken | None:
    job, engine = _state["now"]
    rng = random.Random(f"{job.engine} {job.seed} {text}")
    try:
        return engine.say(text, job.split == "held", rng)
    except SynthesisError as error:
        log.warning("skipped %r: %s", text[:40], str(error)[:200])
        return None


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--voice", required=True, choices=sorted(ENGINES), help="engine")
    parser.add_argument("--hours", type=float, required=True, help="length of the finished pack")
    parser.add_argument("--out", type=Path, required=True, help="folder of the packs")
    parser.add_argument("--text", type=Path, required=True, help="one sentence a line, txt or gz")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--split", choices=("train", "held"), default="train")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    sentences = script(given.text, given.split, given.seed, given.voice)
    job = Job(given.voice, given.split, given.seed)
    synthesize(job, sentences, given.hours, given.out, given.jobs)


if __name__ == "__main__":
    main()
