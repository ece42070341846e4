"""Make a pack of real speech from a folder of recordings with transcripts.

    python -m recipe.real --speech FOLDER --out DATA

The folder holds `transcripts.tsv` with the columns file, seconds, speaker, source and text, and
the files that it names (whatever libsndfile reads: WAV, FLAC, Ogg Opus, …).
"""

import argparse
import csv
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from recipe.packs import RATE, PackWriter, Samples
from recipe.voices.base import resample

log = logging.getLogger("real")


class Recording(NamedTuple):
    """One line of `transcripts.tsv`."""

    file: str
    speaker: str
    text: str


def read_recordings(folder: Path) -> list[Recording]:
    """Read `transcripts.tsv`, ordered by file name."""
    with (folder / "transcripts.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        found = [Recording(row["file"], row["speaker"], row["text"]) for row in rows]
    return sorted(found)


def load(path: Path) -> Samples:
    """Read a recording as int16 at 16 kHz; of several channels, the mean."""
    import soundfile

    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = resample(np.asarray(audio.mean(axis=1), dtype=np.float32), rate)
    return np.asarray(np.clip(np.round(mono * 32767), -32768, 32767), dtype=np.int16)


def voice_of(speaker: str) -> str:
    """The speaker's name as packs write it: `so762_0003` is `so762-0003`, `LJ` is `lj`."""
    return speaker.lower().replace("_", "-")


def make_pack(folder: Path, out: Path, name: str = "real-train") -> float:
    """Append the recordings that the pack does not have yet.

    Returns:
        The hours that the pack has now.
    """
    recordings = read_recordings(folder)
    with PackWriter(out, name) as pack:
        for number, recording in enumerate(recordings[len(pack.entries) :], len(pack.entries)):
            samples = load(folder / recording.file)
            pack.append(samples, voice_of(recording.speaker), " ".join(recording.text.split()))
            if number % 500 == 499:
                log.info("%s: %d of %d", name, number + 1, len(recordings))
        log.info("%s: %.2f h", name, pack.seconds / 3600)
        return pack.seconds / 3600


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a pack of real speech.")
    parser.add_argument("--speech", type=Path, required=True, help="folder with transcripts.tsv")
    parser.add_argument("--out", type=Path, required=True, help="folder of the packs")
    parser.add_argument("--name", default="real-train", help=f"the pack ({RATE} Hz)")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    make_pack(given.speech, given.out, given.name)


if __name__ == "__main__":
    main()
