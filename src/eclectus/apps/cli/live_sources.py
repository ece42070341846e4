"""Where live audio comes from: a microphone, a pipe of raw samples, a file at its pace."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from eclectus.core.errors import BackendUnavailableError, OptionError
from eclectus.core.options import AudioOptions
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import FloatArray
from eclectus.signal.decode import open_audio

_BLOCK_S = 0.1
_FILE_BLOCK_S = 1.0
_BYTES = 2
_HEADER = 44


@dataclass(frozen=True, slots=True)
class LiveSource:
    """Blocks of mono samples as they come.

    Attributes:
        name: For messages.
        sample_rate: Of the blocks, in Hz.
        blocks: Arrays (n,) of float32; ends with the source.
        endless: Whether only the user can end it.
    """

    name: str
    sample_rate: int
    blocks: Iterator[FloatArray]
    endless: bool = False


def from_file(path: str, options: AudioOptions, *, realtime: bool) -> LiveSource:
    """Play a file: at its own pace, or as fast as it can be recognised.

    Raises:
        AudioError: While iterating: it can't be read.
    """

    def blocks() -> Iterator[FloatArray]:
        size = round((_BLOCK_S if realtime else _FILE_BLOCK_S) * SAMPLE_RATE)
        begun, played = time.monotonic(), 0
        with open_audio(path, options) as stream:
            for block in _regular(iter(stream), size):
                played += len(block)
                if realtime:
                    time.sleep(max(0.0, begun + played / SAMPLE_RATE - time.monotonic()))
                yield block

    return LiveSource(path, SAMPLE_RATE, blocks())


def from_pipe(pipe: BinaryIO, sample_rate: int) -> LiveSource:
    """Read 16-bit little-endian mono samples as they come; a WAV header in front is skipped."""

    def blocks() -> Iterator[FloatArray]:
        size = round(_BLOCK_S * sample_rate) * _BYTES
        rest = pipe.read(_HEADER)
        rest = b"" if rest[:4] == b"RIFF" and rest[8:12] == b"WAVE" else rest
        # read1 gives what is there; read would wait for a whole block.
        read = getattr(pipe, "read1", pipe.read)
        while piece := read(size):
            data = rest + piece
            whole = len(data) // _BYTES * _BYTES
            rest = data[whole:]
            yield _pcm(data[:whole])
        if len(rest) >= _BYTES:
            yield _pcm(rest[: len(rest) // _BYTES * _BYTES])

    return LiveSource("standard input", sample_rate, blocks())


def from_microphone(device: str | None) -> LiveSource:
    """Listen to a microphone until the user ends it.

    Args:
        device: Number or a part of its name; None for the system's default.

    Raises:
        BackendUnavailableError: The extra or the audio system is missing.
        OptionError: There is no such device.
    """
    sounddevice = _sounddevice()
    chosen: int | str | None = int(device) if device is not None and device.isdigit() else device
    try:
        facts = sounddevice.query_devices(chosen, "input")
    except (ValueError, sounddevice.PortAudioError) as error:
        raise OptionError(
            f"there is no microphone {device or 'here'}: {error}; --list-devices shows what there "
            "is, and a file or `-` for standard input needs none",
            device=device,
        ) from error
    rate = int(facts["default_samplerate"])

    def blocks() -> Iterator[FloatArray]:
        arrived: queue.Queue[FloatArray] = queue.Queue()

        def take(data: FloatArray, *_: object) -> None:
            arrived.put(data[:, 0].copy())

        with sounddevice.InputStream(
            samplerate=rate, device=chosen, channels=1, dtype="float32", callback=take
        ):
            while True:
                yield arrived.get()

    return LiveSource(str(facts["name"]), rate, blocks(), endless=True)


def list_microphones() -> list[str]:
    """Return a line for each device that can record.

    Raises:
        BackendUnavailableError: The extra or the audio system is missing.
    """
    return [
        f"{index}  {facts['name']}  ({facts['max_input_channels']} channels, "
        f"{facts['default_samplerate']:.0f} Hz)"
        for index, facts in enumerate(_sounddevice().query_devices())
        if facts["max_input_channels"] > 0
    ]


def gathered(source: LiveSource) -> Iterator[FloatArray]:
    """Yield all that has arrived since the last time, so that nobody falls behind for good.

    The source is read in a thread of its own; its errors surface here.
    """
    arrived: queue.Queue[FloatArray | BaseException | None] = queue.Queue(maxsize=600)

    def read() -> None:
        try:
            for block in source.blocks:
                arrived.put(block)
            arrived.put(None)
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            arrived.put(error)

    threading.Thread(target=read, name="live-source", daemon=True).start()
    while True:
        waiting: list[FloatArray | BaseException | None] = [_next(arrived)]
        while not arrived.empty():
            waiting.append(arrived.get())
        blocks = [one for one in waiting if isinstance(one, np.ndarray)]
        if blocks:
            yield np.concatenate(blocks)
        last = waiting[-1]
        if isinstance(last, BaseException):
            raise last
        if last is None:
            return


def _next(
    arrived: queue.Queue[FloatArray | BaseException | None],
) -> FloatArray | BaseException | None:
    """Wait in short turns, because Windows delivers no Ctrl-C to a thread that waits without."""
    while True:
        try:
            return arrived.get(timeout=0.2)
        except queue.Empty:
            continue


def _regular(blocks: Iterator[FloatArray], size: int) -> Iterator[FloatArray]:
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if len(held):
        yield held


def _pcm(data: bytes) -> FloatArray:
    return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768.0)


def _sounddevice() -> Any:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise BackendUnavailableError(
            "A microphone needs the extra `mic` and the system's PortAudio: "
            "pip install 'eclectus[mic]' (and on Debian apt install libportaudio2). "
            f"Files and standard input need neither. ({error})"
        ) from error
    return sounddevice
