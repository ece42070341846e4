"""The spoken clips of the tests, as raw audio."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from eclectus.core.types import FloatArray
from tests.support.resampling import resample

DATA = Path(__file__).parents[1] / "data"
EXAMPLES = DATA.parents[1] / "examples" / "clips"
RATE = 16_000


@cache
def samples(name: str = "garden", rate: int = RATE, after_s: float = 0.0) -> FloatArray:
    """A clip as (N,) float32 at any rate, with silence behind it."""
    audio, own = soundfile.read(_folder(name) / f"{name}.flac", dtype="float32")
    quiet = np.zeros(round(after_s * own), np.float32)
    return resample(np.concatenate([audio, quiet]), own, rate)


def pcm16(audio: FloatArray) -> bytes:
    """Samples as 16-bit little-endian."""
    return np.round(np.clip(audio, -1, 1) * 32_767).astype("<i2").tobytes()


def ulaw(audio: FloatArray) -> bytes:
    """G.711's mu-law by its formula, not by the table under test."""
    level = np.clip(np.abs(audio) * 32_768, 0, 32_635).astype(np.int64) + 132
    exponent = np.floor(np.log2(level)).astype(np.int64) - 7
    mantissa = (level >> (exponent + 3)) & 15
    code = np.where(audio < 0, 128, 0) | (exponent << 4) | mantissa
    return bytes(~code.astype(np.uint8))


def pieces(data: bytes, size: int) -> list[bytes]:
    """The data in pieces of one size; the last may be shorter."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def spoken(name: str = "garden") -> str:
    """What is said in a clip."""
    return (_folder(name) / f"{name}.txt").read_text(encoding="utf-8").strip()


def _folder(name: str) -> Path:
    return DATA if (DATA / f"{name}.flac").exists() else EXAMPLES


def words_of(text: str) -> list[str]:
    """The words without case and punctuation."""
    return re.findall(r"[a-z']+", text.lower())


def heard(text: str, *names: str) -> float:
    """The share of the words of clips that a text has, in their order, whatever else it has."""
    said = words_of(" ".join(map(spoken, names)))
    matcher = SequenceMatcher(None, said, words_of(text), autojunk=False)
    return sum(block.size for block in matcher.get_matching_blocks()) / len(said)


def right(text: str, *names: str, share: float = 0.6) -> bool:
    """Whether a text is what is said in clips, as well as the built-in model can tell."""
    return heard(text, *(names or ("garden",))) >= share
