"""NeMo's log-mel front end in PyTorch."""

import numpy as np
import torch
from torch import Tensor, nn

SAMPLE_RATE = 16_000
HOP = 160
WINDOW = 400
FFT = 512
PREEMPHASIS = 0.97
GUARD = 2.0**-24


def _to_mel(hertz: np.ndarray) -> np.ndarray:
    """Slaney's mel scale: linear below 1 kHz, logarithmic above."""
    log = 15.0 + np.log(np.maximum(hertz, 1e-9) / 1000.0) / (np.log(6.4) / 27.0)
    return np.where(hertz >= 1000.0, log, hertz * 3.0 / 200.0)


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel >= 15.0, 1000.0 * np.exp(np.log(6.4) / 27.0 * (mel - 15.0)), mel * 200 / 3)


def mel_filters(bins: int) -> np.ndarray:
    """Returns Slaney-normalised triangular filters, shape (bins, FFT // 2 + 1)."""
    top = SAMPLE_RATE / 2
    ends = _to_mel(np.array([0.0, top]))
    points = _to_hertz(np.linspace(ends[0], ends[1], bins + 2))
    ramps = points[:, None] - np.linspace(0.0, top, FFT // 2 + 1)[None]
    widths = np.diff(points)[:, None]
    triangles = np.maximum(0.0, np.minimum(-ramps[:-2] / widths[:-1], ramps[2:] / widths[1:]))
    return (triangles * 2.0 / (points[2:] - points[:-2])[:, None]).astype(np.float32)


def normalize(logmel: Tensor, lengths: Tensor) -> Tensor:
    """Scales each bin to zero mean and unit deviation over its valid frames; zeroes the rest.

    Args:
        logmel: (B, M, T).
        lengths: Valid frames of each item, (B,).
    """
    mask = (torch.arange(logmel.shape[2], device=logmel.device) < lengths[:, None])[:, None]
    count = lengths.clamp(min=2)[:, None, None].to(logmel.dtype)
    kept = logmel * mask
    mean = kept.sum(2, keepdim=True) / count
    centred = (kept - mean) * mask
    deviation = (centred.square().sum(2, keepdim=True) / (count - 1)).sqrt() + 1e-5
    return centred / deviation


class LogMel(nn.Module):
    """NeMo's AudioToMelSpectrogramPreprocessor without dither, normalised per feature."""

    def __init__(self, bins: int = 80) -> None:
        super().__init__()
        self.register_buffer("filters", torch.from_numpy(mel_filters(bins)), persistent=False)
        window = torch.zeros(FFT)
        edge = (FFT - WINDOW) // 2
        window[edge : edge + WINDOW] = torch.hann_window(WINDOW, periodic=False)
        self.register_buffer("window", window, persistent=False)

    @torch.no_grad()
    def forward(self, audio: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Returns features (B, M, T) and valid frames (B,) = samples // 160.

        Args:
            audio: (B, samples), zero past each item's length.
            lengths: Samples of each item, (B,).
        """
        frames = lengths // HOP
        flat = audio.clone()
        flat[:, 1:].sub_(audio[:, :-1], alpha=PREEMPHASIS)
        flat *= torch.arange(audio.shape[1], device=audio.device) < lengths[:, None]
        pieces = nn.functional.pad(flat, (FFT // 2, FFT // 2)).unfold(1, FFT, HOP)
        spectrum = torch.fft.rfft(pieces[:, : int(frames.max())] * self.window)
        power = spectrum.real.square() + spectrum.imag.square()
        logmel = (power @ self.filters.t()).add_(GUARD).log_().transpose(1, 2)
        return normalize(logmel, frames), frames
