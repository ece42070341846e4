"""Any source of audio to mono float32 at one rate, lazily.

`auto` asks soundfile first, then PyAV, then an ffmpeg process; what the first bytes show to be
beyond soundfile goes to PyAV at once. `docs/explanation/audio-decoding.md` has the reasons.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, BinaryIO, TypeAlias, cast

from numpy.typing import NDArray

from eclectus.core.choices import DecoderChoice
from eclectus.core.errors import (
    AudioError,
    OptionError,
    UndecodableAudioError,
    UnsupportedMediaError,
)
from eclectus.core.options import AudioOptions
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import Audio, FloatArray
from eclectus.signal.array_source import ArraySource
from eclectus.signal.byte_source import ByteSource, open_bytes
from eclectus.signal.decoded import DecodedAudio, MissingError, Mixer, RefusedError
from eclectus.signal.decoded_stream import DecodedStream
from eclectus.signal.ffmpeg_decoder import FFmpegDecoder
from eclectus.signal.given_samples import given_array, given_rate, is_array
from eclectus.signal.limits import DurationGuard
from eclectus.signal.pyav_decoder import PyAVDecoder
from eclectus.signal.sniff import SNIFF_BYTES, Format, Reader, sniff
from eclectus.signal.soundfile_decoder import SoundFileDecoder

AudioSource: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO | NDArray[Any] | Audio

_DEFAULTS = AudioOptions()

_DECODERS: dict[DecoderChoice, Callable[[ByteSource, Mixer], DecodedAudio]] = {
    DecoderChoice.SOUNDFILE: SoundFileDecoder,
    DecoderChoice.PYAV: PyAVDecoder,
    DecoderChoice.FFMPEG: FFmpegDecoder,
}


def open_audio(
    source: AudioSource,
    options: AudioOptions = _DEFAULTS,
    *,
    sample_rate: int | None = None,
    target_rate: int = SAMPLE_RATE,
) -> DecodedStream:
    """Open audio for reading in blocks of some seconds.

    The first block is decoded at once, so that a source that can't be read fails here.

    Args:
        source: A path; `-` for standard input; encoded bytes; a binary file object (from its
            beginning if it can seek; it stays open); a NumPy array (N,) or (N, channels); `Audio`.
        options: Decoder, channel and limits.
        sample_rate: Of a NumPy array, in Hz; 16,000 if not given. Files know their own.
        target_rate: Rate of the samples that the stream yields, in Hz.

    Returns:
        The stream; close it, or use it in a `with` statement. N samples of the source become
        ceil(N * target_rate / rate).

    Raises:
        AudioNotFoundError: The path is no readable regular file.
        UndecodableAudioError: Broken, empty, not audio, or without a finite sample (this last
            is known, and raised, at the end of the stream).
        UnsupportedMediaError: It takes a decoder that is not installed.
        AudioTooLongError: A limit is exceeded; also while the stream is read.
        OptionError: There is no such channel, or an argument does not fit the source.
    """
    mixer = Mixer(options.channel)
    if isinstance(source, Audio) or is_array(source):
        return _open_samples(source, sample_rate, mixer, options, target_rate)
    if sample_rate is not None:
        raise OptionError("only arrays take a sample rate; encoded audio has its own")
    encoded = open_bytes(cast("str | bytes | BinaryIO", source))
    try:
        guard = DurationGuard(options, encoded.name, encoded.size)
        decoded, blocks = _open_encoded(encoded, options.decoder, mixer, guard)
        return DecodedStream(decoded, blocks, mixer, guard, target_rate, encoded.close)
    except BaseException:
        encoded.close()
        raise


def _open_samples(
    source: object,
    sample_rate: int | None,
    mixer: Mixer,
    options: AudioOptions,
    target_rate: int,
) -> DecodedStream:
    if isinstance(source, Audio):
        if sample_rate is not None and given_rate(sample_rate) != source.sample_rate:
            raise OptionError(f"the audio says {source.sample_rate} Hz, the call {sample_rate} Hz")
        array = ArraySource(source.samples, source.sample_rate, mixer)
    else:
        rate = SAMPLE_RATE if sample_rate is None else sample_rate
        array = ArraySource(given_array(source), rate, mixer)
    guard = DurationGuard(options, "the array", None)
    guard.promise(array.duration_s)
    blocks = _after_first(array)
    return DecodedStream(array, blocks, mixer, guard, target_rate, array.close)


def _open_encoded(
    source: ByteSource, choice: DecoderChoice, mixer: Mixer, guard: DurationGuard
) -> tuple[DecodedAudio, Iterator[FloatArray]]:
    """Return the first decoder that reads the source, and its blocks."""
    found = sniff(source.head(SNIFF_BYTES))
    if found is not None and found.reader is Reader.NOBODY:
        raise UndecodableAudioError(f"{source.name} is {found.name}, not audio", source=source.name)
    refusals: dict[DecoderChoice, RefusedError] = {}
    for name in _order(choice, found):
        try:
            return _try(_DECODERS[name], source, mixer, guard)
        except RefusedError as error:
            refusals[name] = error
    raise _refused(source, found, refusals) from list(refusals.values())[-1]


def _order(choice: DecoderChoice, found: Format | None) -> list[DecoderChoice]:
    if choice is not DecoderChoice.AUTO:
        return [choice]
    if found is not None and found.reader is Reader.MEDIA:
        return [DecoderChoice.PYAV, DecoderChoice.FFMPEG]
    return list(_DECODERS)


def _try(
    opener: Callable[[ByteSource, Mixer], DecodedAudio],
    source: ByteSource,
    mixer: Mixer,
    guard: DurationGuard,
) -> tuple[DecodedAudio, Iterator[FloatArray]]:
    decoded = opener(source, mixer)
    try:
        guard.promise(decoded.duration_s)
        return decoded, _after_first(decoded)
    except BaseException:
        decoded.close()
        raise


def _after_first(decoded: DecodedAudio) -> Iterator[FloatArray]:
    """Return all blocks, the first one decoded, so that its errors are known."""
    blocks = decoded.blocks()
    first = next(blocks, None)
    if first is None:
        raise RefusedError("it holds no audio")
    return chain([first], blocks)


def _refused(
    source: ByteSource, found: Format | None, refusals: dict[DecoderChoice, RefusedError]
) -> AudioError:
    """Say why nobody reads the source, and what to install if that would help."""
    kind = found.name if found is not None else "in no format that is known by its first bytes"
    missing = [error for error in refusals.values() if isinstance(error, MissingError)]
    if len(missing) == len(refusals):
        return UnsupportedMediaError(
            f"{source.name} is {kind}; to read it, install PyAV: pip install 'eclectus[media]'"
            f" ({_listed(refusals)})",
            source=source.name,
            format=kind,
        )
    hint = "; more formats are read with pip install 'eclectus[media]'" if missing else ""
    return UndecodableAudioError(
        f"{source.name} can't be decoded, it is {kind} ({_listed(refusals)}){hint}",
        source=source.name,
        format=kind,
    )


def _listed(refusals: dict[DecoderChoice, RefusedError]) -> str:
    return "; ".join(f"{name}: {error}" for name, error in refusals.items())
