"""Sounds that need no file: the golden numbers were computed from exactly these samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def sweep(samples: int, seed: int) -> NDArray[np.float32]:
    """Return a swept, pulsing tone in noise, (N,) float32 within [-1, 1].

    The noise is a hash of the sample index, not a library's generator, so that it never changes.
    """
    index = np.arange(samples, dtype=np.uint64)
    time = index.astype(np.float64) / RATE
    rate = 150.0 + 37.0 * seed
    phase = 2 * np.pi * (rate * time + 400.0 * time**2 / (1 + 0.3 * seed))
    pulse = np.sin(2 * np.pi * (1.7 + 0.4 * seed) * time) ** 2
    tone = sum(np.sin(harmonic * phase) / harmonic for harmonic in range(1, 9))
    mixed = (index * np.uint64(2654435761) + np.uint64(seed * 7919 + 1)) % np.uint64(2**32)
    mixed ^= mixed >> np.uint64(15)
    mixed = (mixed * np.uint64(2246822519)) % np.uint64(2**32)
    mixed ^= mixed >> np.uint64(13)
    noise = mixed.astype(np.float64) / 2**31 - 1
    return (0.15 * pulse * tone + 0.02 * noise).astype(np.float32)


CLIPS = {"long": (131_072, 1), "middle": (70_001, 2), "short": (16_400, 3)}


def clip(name: str) -> NDArray[np.float32]:
    """Return one of the clips that the golden numbers were computed from."""
    samples, seed = CLIPS[name]
    return sweep(samples, seed)
