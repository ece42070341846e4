"""Find where each phone of a pack's speech ends, by forced alignment with PocketSphinx.

    python -m recipe.align --pack real-train --out DATA

Writes `<pack>.phones.jsonl` in Flite's phone names (ARPAbet in lower case, `pau` for silence). An
utterance that can't be aligned gets an empty list.
"""

import argparse
import json
import logging
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recipe.packs import RATE, Phones, Samples, open_pack
from recipe.voices.base import SynthesisError, run

if TYPE_CHECKING:
    from pocketsphinx import Decoder

log = logging.getLogger("align")

FRAME = 0.01
"""Seconds of one frame of PocketSphinx."""

FILLERS = {"SIL", "+NSN+", "+SPN+"}
FLITE_TO_CMU = {"ax": "AH", "axr": "ER", "el": "AH L", "em": "AH M", "en": "AH N", "pau": ""}


class Aligner:
    """PocketSphinx with its American acoustic model; unknown words are spelt out by Flite."""

    def __init__(self) -> None:
        import pocketsphinx

        self._decoder: Decoder = pocketsphinx.Decoder(
            samprate=RATE, lm=None, loglevel="FATAL", bestpath=False
        )

    def align(self, samples: Samples, text: str) -> Phones:
        """Phones with end times in seconds; none if the words don't fit the audio."""
        words = words_of(text)
        if not words:
            return []
        for word in words:
            self._know(word)
        try:
            self._decoder.set_align_text(" ".join(words))
            self._decode(samples)
            self._decoder.set_alignment()
            self._decode(samples)
        except RuntimeError:
            return []
        return self._phones(self._decoder.get_alignment())

    def _decode(self, samples: Samples) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), no_search=False, full_utt=True)
        self._decoder.end_utt()

    def _know(self, word: str) -> None:
        if self._decoder.lookup_word(word) is None:
            self._decoder.add_word(word, spell(word), update=True)

    @staticmethod
    def _phones(alignment: Any) -> Phones:
        phones: Phones = []
        for word in alignment or ():
            for phone in word:
                name = "pau" if phone.name in FILLERS else phone.name.lower()
                phones.append((name, (phone.start + phone.duration) * FRAME))
        return phones


def words_of(text: str) -> list[str]:
    """The words as PocketSphinx's dictionary writes them: lower case, apostrophes kept."""
    text = re.sub(r"\bmr\.", "mister", re.sub(r"\bmrs\.", "missus", text.lower()))
    text = re.sub(r"\bdr\.", "doctor", text)
    return [word for word in (w.strip("'") for w in re.findall(r"[a-z']+", text)) if word]


def spell(word: str) -> str:
    """The pronunciation of a word by Flite's letter-to-sound rules, in CMU's phones.

    Raises:
        SynthesisError: If Flite gives none.
    """
    names = run(["flite", "-ps", "-t", word, "none"]).split()
    phones = " ".join(filter(None, (FLITE_TO_CMU.get(name, name.upper()) for name in names)))
    if not phones:
        raise SynthesisError(f"no pronunciation for {word!r}")
    return phones


def align_pack(folder: Path, name: str) -> int:
    """Write the phones of a whole pack.

    Returns:
        How many utterances were aligned.
    """
    pack, aligner, done = open_pack(folder, name), Aligner(), 0
    unfinished = folder / f"{name}.phones.jsonl.part"
    have = unfinished.read_text(encoding="utf-8").count("\n") if unfinished.exists() else 0
    with unfinished.open("a", encoding="utf-8") as file:
        for index in range(have, pack.count):
            phones = aligner.align(pack.audio(index), pack.text(index))
            done += bool(phones)
            file.write(json.dumps([[phone, round(end, 3)] for phone, end in phones]) + "\n")
            if index % 200 == 199:
                file.flush()
                log.info("%s: %d of %d, %d aligned", name, index + 1, pack.count, done)
    unfinished.replace(folder / f"{name}.phones.jsonl")
    return done


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Align a pack with its phones.")
    parser.add_argument("--pack", required=True, help="name of the pack")
    parser.add_argument("--out", type=Path, required=True, help="folder of the packs")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    log.info("%d aligned", align_pack(given.out, given.pack))


if __name__ == "__main__":
    main()
