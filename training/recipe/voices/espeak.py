"""espeak-ng: a formant synthesiser. Unnatural, so for a small share; it has many voices."""

import random

from recipe.voices.base import Spoken, check_pace, finish, pick, read_wave, run, scratch

ACCENTS = ("en-us", "en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp")
TRAIN = ("m1", "m2", "m3", "m4", "m5", "m6", "f1", "f2", "f3", "f4")
HELD = ("m7", "f5")


class Espeak:
    """The `espeak-ng` program: four accents, twelve timbres, pace and pitch."""

    def __init__(self) -> None:
        self._wave = scratch()

    def say(self, text: str, held: bool, rng: random.Random) -> Spoken:
        """See `Engine.say`."""
        voice = f"{rng.choice(ACCENTS)}+{pick(TRAIN, HELD, held, rng)}"
        command = ["espeak-ng", "-v", voice, "-w", str(self._wave)]
        command += ["-s", str(rng.randint(120, 190)), "-p", str(rng.randint(30, 70))]
        run([*command, "--", text])
        audio, rate = read_wave(self._wave)
        check_pace(text, audio.size / rate)
        return Spoken(finish(audio, rate, rng), f"espeak-{voice}", [])
