"""What every recogniser under measurement can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Clip = NDArray[np.float32]  # (N,) at 16 kHz


@dataclass(frozen=True, slots=True)
class Found:
    """What a recogniser found in one clip; None where it does not say.

    Attributes:
        text: The words.
        ids: Token ids.
        frames: The encoder frame of each token.
        durations: Frames that each token spans.
    """

    text: str
    ids: list[int] | None = None
    frames: list[int] | None = None
    durations: list[int] | None = None


class Peer(Protocol):
    """A recogniser; made without arguments, then loaded once."""

    def load(self, model: Path, precision: str, threads: int) -> None:
        """Load weights.

        Args:
            model: A folder that `make_models.py` made; each adapter takes the layout it reads.
            precision: fp32 or int8.
            threads: CPU threads.
        """
        ...

    def transcribe(self, clips: Sequence[Clip], batch: int) -> list[Found]:
        """Recognise clips, `batch` at a time (1: one by one)."""
        ...


@runtime_checkable
class Staged(Protocol):
    """A recogniser whose stages can be called one by one, on one batch."""

    def features(self, clips: Sequence[Clip]) -> Any:
        """Compute features of a padded batch."""
        ...

    def encode(self, features: Any) -> Any:
        """Run the encoder."""
        ...

    def search(self, encoded: Any) -> list[Found]:
        """Choose tokens; times and text are left out."""
        ...

    def export(self, encoded: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return the encoder's outputs as frames (B, S, D) and lengths (B,)."""
        ...

    def adopt(self, frames: NDArray[np.float32], lengths: NDArray[np.int64]) -> Any:
        """Turn frames and lengths from `export` of any peer into what `search` takes."""
        ...


def chunks(clips: Sequence[Clip], size: int) -> list[Sequence[Clip]]:
    """Divide clips into batches, in order."""
    return [clips[i : i + size] for i in range(0, len(clips), size)]


def pad(clips: Sequence[Clip]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return clips as one zero-padded array (B, N) and their lengths (B,)."""
    lengths = np.array([len(clip) for clip in clips], np.int64)
    out = np.zeros((len(clips), int(lengths.max())), np.float32)
    for row, clip in zip(out, clips, strict=True):
        row[: len(clip)] = clip
    return out, lengths


def layout(model: Path, *names: str) -> Path:
    """Return the first of some sub-folders that exists, else the folder itself."""
    for name in names:
        if (model / name).exists():
            return model / name
    return model
