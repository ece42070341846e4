"""Flite (Carnegie Mellon University): small, fast, and it tells where each phone ends."""

import random

from recipe.packs import Phones
from recipe.voices.base import Spoken, SynthesisError, check_pace, finish, pick, read_wave, scratch
from recipe.voices.base import run as run_program

TRAIN = ("rms", "slt", "awb")
HELD = ("kal16",)


class Flite:
    """The `flite` program; three voices for training, the diphone voice `kal16` held out."""

    def __init__(self) -> None:
        self._wave = scratch()

    def say(self, text: str, held: bool, rng: random.Random) -> Spoken:
        """See `Engine.say`."""
        voice = pick(TRAIN, HELD, held, rng)
        command = ["flite", "-voice", voice, "-psdur", "-o", str(self._wave)]
        command += ["--setf", f"duration_stretch={rng.uniform(0.8, 1.25):.2f}"]
        if rng.random() < 0.5:
            command += ["--setf", f"int_f0_target_mean={rng.uniform(80, 230):.0f}"]
        printed = run_program([*command, "-t", text])
        audio, rate = read_wave(self._wave)
        phones = parse_phones(printed)
        check_pace(text, audio.size / rate)
        if abs(phones[-1][1] - audio.size / rate) > 0.35:
            raise SynthesisError("the phones do not span the audio")
        return Spoken(finish(audio, rate, rng, trim=False), f"flite-{voice}", phones)


def parse_phones(printed: str) -> Phones:
    """Read what `flite -psdur` prints: `phone:end` in seconds, separated by spaces.

    Raises:
        SynthesisError: If there is nothing of the kind.
    """
    try:
        phones = [(name, float(end)) for name, end in (p.split(":") for p in printed.split())]
    except ValueError as error:
        raise SynthesisError(f"unexpected output of flite: {printed[:60]!r}") from error
    if not phones:
        raise SynthesisError("flite named no phones")
    return phones
