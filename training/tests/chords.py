"""Made-up speech: every word is a chord of its own."""

from pathlib import Path

import numpy as np

from recipe.packs import PackWriter

WORDS = ["one", "two", "tree", "stone", "river", "light", "garden", "house", "green", "winter"]
RATE = 16_000
WORD_SECONDS = 0.4


def _speak(words: list[str]) -> np.ndarray:
    """Gives every word its own chord, so that a small model can learn to tell them apart."""
    time = np.arange(int(RATE * WORD_SECONDS)) / RATE
    parts = []
    for word in words:
        number = WORDS.index(word)
        tones = [300 * 1.2**number, 3000 - 150 * number]
        parts.append(sum(np.sin(2 * np.pi * tone * time) for tone in tones) * np.hanning(len(time)))
    return (np.concatenate(parts) * 6000).astype(np.int16)


def write_pack(folder: Path, name: str, count: int, seed: int = 0) -> None:
    """Appends made-up utterances with phones to a pack."""
    random = np.random.default_rng(seed)
    with PackWriter(folder, name) as pack:
        for _ in range(count):
            words = [WORDS[i] for i in random.integers(0, len(WORDS), random.integers(2, 6))]
            phones = [(word, (i + 1) * WORD_SECONDS) for i, word in enumerate(words)]
            pack.append(_speak(words), "chord", " ".join(words), phones)
