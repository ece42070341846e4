"""Which files make up one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class OnnxFiles:
    """The graphs of one model.

    Attributes:
        encoder: Features to encoder frames, or to log-probabilities if it stands alone (CTC).
        decoder: Predictor; predictor and joint in one graph if there is no joiner; None for CTC.
        joiner: Joint network, where it is a file of its own.
    """

    encoder: Path
    decoder: Path | None = None
    joiner: Path | None = None

    def __iter__(self) -> Iterator[Path]:
        """The files that there are, the encoder first."""
        return (path for path in (self.encoder, self.decoder, self.joiner) if path is not None)
