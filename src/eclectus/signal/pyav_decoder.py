"""Decoding with PyAV, FFmpeg's libraries in this process: MPEG-4, WebM, Matroska, AMR, video."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from eclectus.core.types import FloatArray
from eclectus.signal.byte_source import ByteSource
from eclectus.signal.decoded import MissingError, Mixer, RefusedError, check_rate
from eclectus.signal.media_formats import DEMUXERS

if TYPE_CHECKING:
    import av

_LOG = logging.getLogger(__name__)

_BLOCK_S = 2
_SHORTEST_LEAD_S = 0.02

_OPTIONS = {"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}


class PyAVDecoder:
    """The first audio stream of a container; not to be shared by threads.

    Where the sound of a video begins after its picture, silence fills the gap, so that times
    count from the beginning of the video.
    """

    def __init__(self, source: ByteSource, mixer: Mixer) -> None:
        """Read the header and the first audio frame.

        Raises:
            MissingError: PyAV is not installed.
            RefusedError: FFmpeg does not know the format, or finds no audio in it.
        """
        try:
            import av
        except ImportError as error:
            raise MissingError("PyAV is not installed: pip install 'eclectus[media]'") from error
        self._failure = av.FFmpegError
        self._mixer = mixer
        try:
            self._container = _open(source)
        except (av.FFmpegError, ValueError) as error:
            raise RefusedError(_reason(error)) from error
        try:
            self._frames = self._decode()
            self._first: av.AudioFrame | None = _first(self._frames)
            self.sample_rate = check_rate(self._first.sample_rate)
        except BaseException:
            self.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """From the container, or from the stream where the container does not say."""
        if self._container.duration is not None:
            return self._container.duration / 1e6
        stream = self._container.streams.audio[0]
        if stream.duration is None or stream.time_base is None:
            return None
        return float(stream.duration * stream.time_base)

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the samples; see `DecodedAudio`."""
        if self._first is None:
            return
        yield from self._lead(self._first)
        pending = [self._mono(self._first)]
        self._first = None
        held = len(pending[0])
        for frame in self._frames:
            if frame.sample_rate != self.sample_rate:
                _LOG.warning("the audio ends where its sample rate changes")
                break
            pending.append(self._mono(frame))
            held += len(pending[-1])
            if held >= _BLOCK_S * self.sample_rate:
                yield np.concatenate(pending)
                pending, held = [], 0
        if held:
            yield np.concatenate(pending)

    def close(self) -> None:
        """Free FFmpeg's state."""
        self._container.close()

    def _decode(self) -> Iterator[av.AudioFrame]:
        """Yield the frames that can be decoded; broken packets are left out, as FFmpeg does."""
        if not self._container.streams.audio:
            raise RefusedError("there is no audio in it")
        broken = 0
        try:
            for packet in self._packets():
                try:
                    yield from packet.decode()
                except self._failure:
                    broken += 1
        except self._failure as error:
            _LOG.warning("the audio is damaged and ends early: %s", _reason(error))
        if broken:
            _LOG.warning("damaged packets were left out: %d", broken)

    def _packets(self) -> Iterator[av.Packet[av.AudioStream]]:
        """Yield the packets of the first audio stream, then the flushing one."""
        stream = self._container.streams.audio[0]
        while True:
            try:
                yield from self._container.demux(stream)
            except IndexError:
                # PyAV knows the streams of the header only and trips over a packet of one that
                # begins later, as in a broadcast; that packet is not ours.
                continue
            return

    def _lead(self, first: av.AudioFrame) -> Iterator[FloatArray]:
        """Yield silence for the time by which the audio starts after the container."""
        begin = self._container.start_time
        if first.time is None or begin is None:
            return
        lead_s = first.time - begin / 1e6
        missing = round(lead_s * self.sample_rate) if lead_s > _SHORTEST_LEAD_S else 0
        while missing > 0:
            count = min(missing, _BLOCK_S * self.sample_rate)
            yield np.zeros(count, np.float32)
            missing -= count

    def _mono(self, frame: av.AudioFrame) -> FloatArray:
        samples: NDArray[Any] = frame.to_ndarray()
        if frame.format.is_planar:
            return self._mixer(samples.T)
        return self._mixer(samples.reshape(-1, frame.layout.nb_channels))


def _open(source: ByteSource) -> av.container.InputContainer:
    import av

    try:
        # A hostile tag must not stop the audio: errors in metadata are replaced.
        return av.open(source.rewind(), "r", options=dict(_OPTIONS), metadata_errors="replace")
    except TypeError:
        # From PyAV 19 on tags are read when they are asked for, and nothing here asks.
        return av.open(source.rewind(), "r", options=dict(_OPTIONS))


def _first(frames: Iterator[av.AudioFrame]) -> av.AudioFrame:
    for frame in frames:
        return frame
    raise RefusedError("no audio could be decoded")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
