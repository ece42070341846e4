"""The only place that turns encoder frames into seconds and samples."""

from __future__ import annotations

from dataclasses import dataclass

SAMPLE_RATE = 16_000
"""Hz of the audio that all Parakeet models hear; audio of other rates is converted to it."""


@dataclass(frozen=True, slots=True)
class TimeBase:
    """How samples, mel frames and encoder frames relate.

    Attributes:
        sample_rate: Hz that the model was trained on.
        hop: Samples per mel frame.
        subsampling: Mel frames per encoder frame.
    """

    sample_rate: int = SAMPLE_RATE
    hop: int = 160
    subsampling: int = 8

    @property
    def samples_per_frame(self) -> int:
        """Samples per encoder frame (1,280 for Parakeet)."""
        return self.hop * self.subsampling

    @property
    def frame_s(self) -> float:
        """Seconds per encoder frame (0.08 for Parakeet)."""
        return self.samples_per_frame / self.sample_rate

    def seconds(self, frame: int) -> float:
        """Time at which an encoder frame starts, in seconds."""
        return frame * self.samples_per_frame / self.sample_rate

    def frame_at(self, sample: int) -> int:
        """Encoder frame in which a sample lies."""
        return sample // self.samples_per_frame

    def sample_of(self, frame: int) -> int:
        """First sample of an encoder frame."""
        return frame * self.samples_per_frame

    def whole_frames(self, seconds: float) -> int:
        """Nearest whole number of encoder frames in a time span."""
        return round(seconds * self.sample_rate / self.samples_per_frame)

    def encoder_frames(self, mel_frames: int) -> int:
        """Encoder frames of a number of valid mel frames (NeMo: `(T - 1) // 8 + 1`)."""
        return (mel_frames - 1) // self.subsampling + 1 if mel_frames > 0 else 0
