"""What a model is: the facts that features, search and text need to know about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from eclectus.core.timebase import TimeBase


class Head(StrEnum):
    """The kind of output layer on the encoder."""

    TDT = "tdt"
    RNNT = "rnnt"
    CTC = "ctc"


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What one model is.

    Attributes:
        name: For people and for results.
        head: Output layer.
        mel_bins: M, 80 or 128.
        vocabulary_size: V, pieces without blank.
        durations: The table that TDT duration ids index, empty for other heads.
        max_window_s: Longest audio that the encoder takes in one piece, None if unlimited.
        tail_frames: Frames that a token lasts beyond its duration if no other begins: of a model
            that ends its durations before the sound ends.
        time_base: Samples, mel frames, encoder frames.
        languages: ISO 639-1 codes that the model was trained on, empty if unknown.
        builtin: True for the small model that the package ships.
    """

    name: str
    head: Head
    mel_bins: int
    vocabulary_size: int
    durations: tuple[int, ...] = ()
    max_window_s: float | None = None
    tail_frames: int = 0
    time_base: TimeBase = TimeBase()
    languages: tuple[str, ...] = ()
    builtin: bool = False

    @property
    def blank_id(self) -> int:
        """The id after the last piece, as NeMo has it."""
        return self.vocabulary_size
