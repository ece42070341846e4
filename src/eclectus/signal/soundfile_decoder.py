"""Decoding with libsndfile: every WAV, RF64, W64, AIFF, CAF, AU, FLAC, MP3, Ogg and Opus."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import BinaryIO

import soundfile

from eclectus.core.types import FloatArray
from eclectus.signal.byte_source import ByteSource
from eclectus.signal.decoded import Mixer, RefusedError, check_rate

_LOG = logging.getLogger(__name__)

_BLOCK_S = 5
_BLOCK_VALUES = 2**20  # samples times channels: 4 MiB
_UNKNOWN_FRAMES = 2**62
_SALVAGE_FRAMES = 1_024


class _Anonymous:
    """A file without its name: soundfile would take a format from the suffix `.raw`."""

    def __init__(self, handle: BinaryIO) -> None:
        self.read = handle.read
        self.readinto = handle.readinto  # type: ignore[attr-defined]  # BinaryIO omits it
        self.seek = handle.seek
        self.tell = handle.tell


class SoundFileDecoder:
    """One stream of libsndfile; not to be shared by threads."""

    def __init__(self, source: ByteSource, mixer: Mixer) -> None:
        """Read the header.

        Raises:
            RefusedError: libsndfile does not know the format, or the header is broken.
        """
        self._mixer = mixer
        try:
            self._file = soundfile.SoundFile(_Anonymous(source.rewind()))
        except soundfile.LibsndfileError as error:
            raise RefusedError(error.error_string) from error
        try:
            self.sample_rate = check_rate(int(self._file.samplerate))
        except RefusedError:
            self._file.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """From the header, or from the file's size where the header is wrong."""
        frames = int(self._file.frames)
        return frames / self.sample_rate if 0 <= frames < _UNKNOWN_FRAMES else None

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the samples; see `DecodedAudio`."""
        wanted = min(_BLOCK_S * self.sample_rate, max(1, _BLOCK_VALUES // self._file.channels))
        delivered = False
        while True:
            try:
                samples = self._file.read(wanted, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError as error:
                if wanted > _SALVAGE_FRAMES and not delivered:
                    wanted = _SALVAGE_FRAMES
                    continue
                if not delivered:
                    raise RefusedError(error.error_string) from error
                _LOG.warning("the audio is damaged and ends early: %s", error.error_string)
                return
            if len(samples) == 0:
                return
            delivered = True
            yield self._mixer(samples)

    def close(self) -> None:
        """Free libsndfile's state."""
        self._file.close()
