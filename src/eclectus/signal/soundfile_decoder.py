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
        self._source = source
        self._mixer = mixer
        self._file = self._open()
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
        most = max(1, _BLOCK_VALUES // self._file.channels)
        delivered = 0
        try:
            for samples in self._read(min(_BLOCK_S * self.sample_rate, most)):
                delivered += len(samples)
                yield self._mixer(samples)
        except soundfile.LibsndfileError as error:
            yield from self._salvage(delivered, error)

    def close(self) -> None:
        """Free libsndfile's state."""
        self._file.close()

    def _open(self) -> soundfile.SoundFile:
        try:
            return soundfile.SoundFile(_Anonymous(self._source.rewind()))
        except soundfile.LibsndfileError as error:
            raise RefusedError(error.error_string) from error

    def _read(self, count: int) -> Iterator[FloatArray]:
        """Yield blocks (count, channels) to the end; the last may be shorter."""
        while len(samples := self._file.read(count, dtype="float32", always_2d=True)):
            yield samples

    def _salvage(self, delivered: int, error: soundfile.LibsndfileError) -> Iterator[FloatArray]:
        """Read again from the start in small blocks, since a block with an error is lost whole.

        Yields:
            What lies after the first `delivered` samples and before the damage.

        Raises:
            RefusedError: There is nothing before the damage.
        """
        self._file.close()
        self._file = self._open()
        position = 0
        try:
            for samples in self._read(_SALVAGE_FRAMES):
                fresh = samples[max(0, delivered - position) :]
                position += len(samples)
                if len(fresh):
                    yield self._mixer(fresh)
        except soundfile.LibsndfileError:
            _LOG.warning("the audio is damaged and ends early: %s", error.error_string)
        if position == 0:
            raise RefusedError(error.error_string) from error
