"""Audio files made on the spot, in every format that the tests need."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
import soundfile

from eclectus.core.types import FloatArray


def voice(seconds: float, rate: int = 16_000) -> FloatArray:
    """Return something like speech: a buzz of 140 Hz in syllables, with a little noise."""
    time = np.arange(round(seconds * rate)) / rate
    buzz = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 20))
    syllables = np.clip(np.sin(2 * np.pi * 3 * time), 0, 1)
    noise = np.random.default_rng(0).standard_normal(len(time))
    return (0.3 * syllables * buzz + 0.003 * noise).astype(np.float32)


def write(samples: FloatArray, rate: int, form: str, subtype: str | None = None) -> bytes:
    """Encode with libsndfile."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=form, subtype=subtype)
    return buffer.getvalue()


def mux(
    samples: FloatArray, rate: int, container: str, codec: str, *, start_s: float = 0.0
) -> bytes:
    """Encode mono samples with FFmpeg; with a start, a video of that much more comes first."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as output:
        picture = output.add_stream("mpeg4", rate=10) if start_s else None
        stream = output.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 32, 32, "yuv420p"
            for index in range(10):
                image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
                image.pts = index
                output.mux(picture.encode(image))
            output.mux(picture.encode(None))
        size = stream.codec_context.frame_size or 1_024
        for first in range(0, len(samples), size):
            frame = _frame(samples[first : first + size], stream.format.name)
            frame.sample_rate = rate
            frame.pts = first + round(start_s * rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return buffer.getvalue()


def _frame(samples: FloatArray, form: str) -> av.AudioFrame:
    if form.startswith("s16"):
        integers = (samples * 32_767).astype(np.int16)
        return av.AudioFrame.from_ndarray(integers[None], format="s16", layout="mono")
    return av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")


def flac_bomb(hours: int) -> bytes:
    """Write FLAC by hand: frames of 65,535 constant samples at 1 kHz, 14 bytes each or so."""
    rate, block = 1_000, 65_535
    frames = hours * 3_600 * rate // block
    info = struct.pack(">HH", block, block) + bytes(6)
    info += ((rate << 44) | (0 << 41) | (15 << 36)).to_bytes(8, "big") + bytes(16)
    parts = [b"fLaC", b"\x80\x00\x00\x22", info]
    for number in range(frames):
        head = b"\xff\xf8\x70\x08" + _utf8(number) + struct.pack(">H", block - 1)
        head += bytes([_crc(head, 0x07, 8)])
        body = head + b"\x00\x00\x00"  # one constant subframe of 16-bit zero
        parts.append(body + struct.pack(">H", _crc(body, 0x8005, 16)))
    return b"".join(parts)


def _utf8(number: int) -> bytes:
    return chr(number).encode() if number < 0xD800 else b""


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    value, top = 0, 1 << (bits - 1)
    for byte in data:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = ((value << 1) ^ polynomial if value & top else value << 1) & ((1 << bits) - 1)
    return value
