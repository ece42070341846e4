"""Festival (University of Edinburgh): one HTS voice and diphone voices."""

import random
import subprocess

from recipe.voices.base import (
    Spoken,
    SynthesisError,
    check_pace,
    finish,
    pick,
    read_wave,
    scratch,
)

TRAIN = {"cmu_us_slt_arctic_hts": "slt-hts", "kal_diphone": "kal"}
HELD = {"ked_diphone": "ked"}
END = '(format t "\\nfinished\\n") (fflush nil)'


class Festival:
    """One `festival` process that is fed commands; it starts up too slowly to start each time."""

    def __init__(self) -> None:
        self._wave = scratch()
        self._process = self._start()

    def say(self, text: str, held: bool, rng: random.Random) -> Spoken:
        """See `Engine.say`."""
        voice = pick(list(TRAIN), list(HELD), held, rng)
        self._wave.unlink(missing_ok=True)
        stretch = rng.uniform(0.85, 1.2)
        self._command(
            f"(voice_{voice})",
            f"(Parameter.set 'Duration_Stretch {stretch:.2f})",
            f'(utt.save.wave (utt.synth (Utterance Text "{text}")) "{self._wave}")',
        )
        audio, rate = read_wave(self._wave)
        check_pace(text, audio.size / rate)
        return Spoken(finish(audio, rate, rng), f"festival-{(TRAIN | HELD)[voice]}", [])

    @staticmethod
    def _start() -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["festival", "--pipe"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def _command(self, *commands: str) -> None:
        """Send commands and wait until they are done; start again if the process has died."""
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise SynthesisError("festival has no pipes")
        try:
            process.stdin.write("\n".join([*commands, END, ""]))
            process.stdin.flush()
        except OSError as error:
            self._process = self._start()
            raise SynthesisError("festival died") from error
        for line in process.stdout:
            if "finished" in line:
                return
        self._process = self._start()
        raise SynthesisError("festival died")
