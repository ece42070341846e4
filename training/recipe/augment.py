"""Changes to training speech: speed, room, band, codec, noise, gain; and masks on features."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Wave = NDArray[np.float32]
Random = np.random.Generator

RATE = 16_000


def change_speed(wave: Wave, factor: float) -> Wave:
    """Plays the wave `factor` times as fast; pitch moves along."""
    count = max(1, int(len(wave) / factor))
    where = np.arange(count, dtype=np.float64) * factor
    return np.interp(where, np.arange(len(wave)), wave).astype(np.float32)


def add_room(wave: Wave, random: Random, strength: float) -> Wave:
    """Convolves with a made-up room: a direct path and exponentially fading noise."""
    count = int(RATE * random.uniform(0.05, 0.1 + 0.3 * strength))
    room = random.standard_normal(count, dtype=np.float32)
    room *= np.exp(-np.arange(count, dtype=np.float32) / (count / 5))
    room[0] = random.uniform(3.0, 10.0)
    room /= np.sqrt(np.square(room).sum())
    size = _fast_size(len(wave) + count)
    product = np.fft.rfft(wave, size) * np.fft.rfft(room, size)
    return np.fft.irfft(product, size)[: len(wave)].astype(np.float32)


def limit_band(wave: Wave, random: Random) -> Wave:
    """Cuts off low and high frequencies, as telephones and cheap microphones do."""
    size = _fast_size(len(wave))
    spectrum = np.fft.rfft(wave, size)
    hertz = np.arange(len(spectrum)) * (RATE / size)
    low, high = random.uniform(0, 300), random.uniform(3400, 7500)
    spectrum *= 1 / (1 + (hertz / high) ** 12) * (1 - np.exp(-((hertz / (low + 1)) ** 4)))
    return np.fft.irfft(spectrum, size)[: len(wave)].astype(np.float32)


def tilt(wave: Wave, random: Random) -> Wave:
    """Tilts the spectrum with one zero."""
    result = wave.copy()
    result[1:] += np.float32(random.uniform(-0.5, 0.7)) * wave[:-1]
    return result


def code(wave: Wave, random: Random) -> Wave:
    """Rounds as a mu-law codec of 5 to 8 bits would."""
    peak = np.abs(wave).max() + 1e-6
    mu = float(2 ** random.integers(5, 9) - 1)
    curve = np.sign(wave) * np.log1p(mu * np.abs(wave) / peak) / np.log1p(mu)
    curve = np.round(curve * (mu + 1) / 2) / ((mu + 1) / 2)
    return (np.sign(curve) * np.expm1(np.abs(curve) * np.log1p(mu)) / mu * peak).astype(np.float32)


def add_noise(wave: Wave, random: Random, strength: float) -> Wave:
    """Adds white or coloured noise at 35 dB down to 8 dB."""
    ratio = random.uniform(35 - 27 * strength, 35)
    noise = random.standard_normal(len(wave), dtype=np.float32)
    if random.random() < 0.6:
        size = _fast_size(len(wave))
        spectrum = np.fft.rfft(noise, size)
        spectrum /= np.maximum(1, np.arange(len(spectrum))) ** random.uniform(0.2, 0.9)
        noise = np.fft.irfft(spectrum, size)[: len(wave)].astype(np.float32)
    power = np.sqrt((np.square(wave).mean() + 1e-9) / (np.square(noise).mean() + 1e-9))
    return wave + noise * np.float32(power * 10 ** (-ratio / 20))


def augment(wave: Wave, random: Random, strength: float) -> Wave:
    """Changes one utterance at random.

    Args:
        wave: Samples at 16 kHz, (N,).
        random: Source of all choices.
        strength: 0 leaves the wave as it is; 1 changes it most often and hardest.
    """
    if strength <= 0:
        return wave
    if random.random() < 0.8 * strength:
        wave = change_speed(wave, random.uniform(1 - 0.13 * strength, 1 + 0.15 * strength))
    if random.random() < 0.35 * strength:
        wave = add_room(wave, random, strength)
    if random.random() < 0.4 * strength:
        wave = tilt(wave, random)
    if random.random() < 0.15 * strength:
        wave = limit_band(wave, random)
    if random.random() < 0.55 * strength:
        wave = add_noise(wave, random, strength)
    if random.random() < 0.06 * strength:
        wave = code(wave, random)
    return wave * np.float32(random.uniform(1 - 0.5 * strength, 1 + strength))


def mask_features(features: Tensor, lengths: list[int], random: Random, strength: float) -> None:
    """Zeroes random bands and spans in place (SpecAugment, Park et al. 2019).

    Args:
        features: Normalised features, (B, M, T).
        lengths: Valid frames of each item.
        random: Source of all choices.
        strength: Scales the widths: two bands of up to 20 bins, a span of up to 25 frames for
            every 1.5 s.
    """
    bins = features.shape[1]
    widest = int(20 * strength)
    for item, frames in zip(features, lengths, strict=True):
        if widest < 2:
            return
        for _ in range(2):
            width = int(random.integers(0, widest))
            start = int(random.integers(0, bins - width))
            item[start : start + width] = 0
        for _ in range(max(1, frames // 150)):
            width = int(random.integers(0, max(2, min(25 * strength, frames // 10))))
            start = int(random.integers(0, max(1, frames - width)))
            item[:, start : start + width] = 0


def _fast_size(count: int) -> int:
    """Returns a length of at least `count` that transforms fast: 1, 3 or 5 times a power of 2."""
    power = 1 << max(0, count - 1).bit_length()
    return min(size for size in (power, power * 3 // 4, power * 5 // 8) if size >= count)
