"""Audio from every kind of source, through every decoder."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path
from typing import Any

import imageio_ffmpeg  # type: ignore[import-untyped]  # it has no types
import numpy as np
import pytest

from eclectus.core.choices import DecoderChoice
from eclectus.core.errors import (
    AudioNotFoundError,
    AudioTooLongError,
    OptionError,
    UndecodableAudioError,
    UnsupportedMediaError,
)
from eclectus.core.options import AudioOptions
from eclectus.core.types import Audio, FloatArray
from eclectus.signal.decode import AudioSource, open_audio
from tests.support.media import mux, voice, write
from tests.support.resampling import resample

_VOICE = voice(1.5)
_WAV = write(_VOICE, 16_000, "WAV", "FLOAT")


@pytest.fixture
def ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an ffmpeg, and nothing else, on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(folder))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide PyAV and ffmpeg, as in the base install."""
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setenv("PATH", "")


def _read(source: AudioSource, options: AudioOptions | None = None, **more: int) -> FloatArray:
    with open_audio(source, options or AudioOptions(), **more) as stream:
        return np.concatenate(list(stream))


@pytest.mark.parametrize(
    ("form", "subtype", "tolerance"),
    [
        ("WAV", "PCM_U8", 1 / 128),
        ("WAV", "PCM_16", 1 / 2**15),
        ("WAV", "PCM_24", 1 / 2**23),
        ("WAV", "PCM_32", 1 / 2**24),
        ("WAV", "FLOAT", 0.0),
        ("WAV", "DOUBLE", 0.0),
        ("WAV", "ALAW", 0.03),
        ("WAV", "ULAW", 0.03),
        ("WAVEX", "PCM_16", 1 / 2**15),
        ("RF64", "PCM_16", 1 / 2**15),
        ("W64", "PCM_16", 1 / 2**15),
        ("AIFF", "PCM_16", 1 / 2**15),
        ("CAF", "PCM_16", 1 / 2**15),
        ("AU", "PCM_16", 1 / 2**15),
        ("FLAC", "PCM_16", 1 / 2**15),
        ("FLAC", "PCM_24", 1 / 2**23),
    ],
)
@pytest.mark.usefixtures("bare")
def test_the_base_install_reads_exact_formats(form: str, subtype: str, tolerance: float) -> None:
    loudest = np.abs(_VOICE).max()
    decoded = _read(write(_VOICE / loudest, 16_000, form, subtype))
    assert len(decoded) == len(_VOICE)
    # Rounding to the format's steps, and clipping of full scale to the largest of them.
    np.testing.assert_allclose(decoded, _VOICE / loudest, atol=1.01 * tolerance)


@pytest.mark.parametrize(("form", "subtype"), [("MP3", None), ("OGG", "VORBIS"), ("OGG", "OPUS")])
@pytest.mark.usefixtures("bare")
def test_the_base_install_reads_lossy_formats(form: str, subtype: str | None) -> None:
    decoded = _read(write(_VOICE, 16_000, form, subtype))
    assert len(decoded) == pytest.approx(len(_VOICE), abs=1_200)
    assert _likeness(decoded, _VOICE) > 0.95


@pytest.mark.parametrize(
    ("container", "codec", "rate"),
    [
        ("mp4", "aac", 16_000),
        ("ipod", "aac", 44_100),
        ("adts", "aac", 16_000),
        ("mov", "pcm_s16le", 22_050),
        ("webm", "libopus", 48_000),
        ("matroska", "libopus", 48_000),
        ("matroska", "flac", 16_000),
        ("mpegts", "aac", 48_000),
    ],
)
@pytest.mark.parametrize("decoder", [DecoderChoice.AUTO, DecoderChoice.FFMPEG])
@pytest.mark.usefixtures("ffmpeg")
def test_pyav_and_ffmpeg_read_the_rest(
    container: str, codec: str, rate: int, decoder: DecoderChoice
) -> None:
    media = mux(voice(1.5, rate), rate, container, codec)
    decoded = _read(media, AudioOptions(decoder=decoder))
    # Encoders pad to whole frames of 1,024 samples and start with some of delay.
    assert len(decoded) == pytest.approx(24_000, abs=16_000 * 3_200 // rate + 400)
    assert _likeness(decoded, _VOICE) > 0.9


@pytest.mark.parametrize("decoder", list(DecoderChoice))
@pytest.mark.usefixtures("ffmpeg")
def test_all_decoders_agree_on_flac(tmp_path: Path, decoder: DecoderChoice) -> None:
    path = tmp_path / "voice.flac"
    path.write_bytes(write(_VOICE, 16_000, "FLAC"))
    decoded = _read(path, AudioOptions(decoder=decoder))
    np.testing.assert_allclose(decoded, _VOICE, atol=1 / 2**15)


@pytest.mark.usefixtures("ffmpeg")
def test_an_error_does_not_tell_where_ffmpegs_copy_of_the_bytes_lies() -> None:
    with pytest.raises(UndecodableAudioError) as refused:
        _read(b"RIFF" + bytes(range(256)) * 9, AudioOptions(decoder=DecoderChoice.FFMPEG))
    assert "eclectus-" not in str(refused.value)
    assert "/tmp" not in str(refused.value)


@pytest.mark.parametrize("decoder", list(DecoderChoice))
@pytest.mark.usefixtures("ffmpeg")
def test_no_decoder_resamples_but_soxr(decoder: DecoderChoice) -> None:
    original = voice(1.0, 44_100)
    decoded = _read(write(original, 44_100, "WAV", "FLOAT"), AudioOptions(decoder=decoder))
    np.testing.assert_allclose(decoded, resample(original, 44_100, 16_000), atol=1e-5)


def test_the_sound_of_a_video_that_begins_later_keeps_its_time() -> None:
    media = mux(voice(1.5, 48_000), 48_000, "matroska", "libopus", start_s=0.5)
    decoded = _read(media)
    assert len(decoded) == pytest.approx(32_000, abs=1_500)
    assert not decoded[:7_000].any()


@pytest.mark.usefixtures("bare")
def test_the_missing_extra_is_named_with_what_was_recognised() -> None:
    media = b"\x00\x00\x00\x20ftypM4A \x00\x00\x02\x00" + bytes(200)
    with pytest.raises(UnsupportedMediaError, match=r"m4a.*pip install 'eclectus\[media\]'"):
        _read(media)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("decoder", [DecoderChoice.PYAV, DecoderChoice.FFMPEG])
def test_a_chosen_decoder_that_is_missing_is_an_error(decoder: DecoderChoice) -> None:
    with pytest.raises(UnsupportedMediaError):
        _read(_WAV, AudioOptions(decoder=decoder))


@pytest.mark.usefixtures("bare")
def test_unknown_bytes_are_undecodable_and_the_extra_is_mentioned() -> None:
    with pytest.raises(UndecodableAudioError, match="media"):
        _read(b"no audio at all " * 100)


def test_video_without_sound_is_undecodable() -> None:
    media = mux(_VOICE[:0], 16_000, "matroska", "flac", start_s=0.5)
    with pytest.raises(UndecodableAudioError):
        _read(media)


def test_every_form_of_the_same_bytes_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "voice.txt"  # the name says nothing
    path.write_bytes(_WAV)
    with path.open("rb") as handle:
        handle.seek(100)
        sources: list[AudioSource] = [path, str(path), _WAV, io.BytesIO(_WAV), handle]
        for source in sources:
            np.testing.assert_array_equal(_read(source), _VOICE)
        assert not handle.closed


@pytest.mark.parametrize("suffix", [".raw", ".mp3", ".wav", ".vox", ".png", ""])
def test_the_suffix_is_never_looked_at(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"audio{suffix}"
    path.write_bytes(_WAV)
    np.testing.assert_array_equal(_read(path), _VOICE)


def test_a_file_object_that_can_not_seek_is_spooled() -> None:
    reading, writing = os.pipe()
    feeder = threading.Thread(target=_feed, args=(writing, _WAV))
    feeder.start()
    with os.fdopen(reading, "rb") as pipe:
        np.testing.assert_array_equal(_read(pipe), _VOICE)
    feeder.join()


def test_a_dash_is_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(_WAV)
    with path.open("r", encoding="latin-1") as handle:
        monkeypatch.setattr(sys, "stdin", handle)
        np.testing.assert_array_equal(_read("-"), _VOICE)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(AudioNotFoundError):
        _read("-")


def test_a_text_file_object_is_refused() -> None:
    with pytest.raises(OptionError, match="'rb'"):
        _read(io.StringIO("abc"))  # type: ignore[arg-type]  # the mistake under test


def test_a_number_is_no_source() -> None:
    with pytest.raises(OptionError, match="int"):
        _read(7)  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        (np.int8, 2**7, 0),
        (np.int16, 2**15, 0),
        (np.int32, 2**31, 0),
        (np.uint8, 2**7, 2**7),
        (np.float16, 1, 0),
        (np.float32, 1, 0),
        (np.float64, 1, 0),
        (">i2", 2**15, 0),
    ],
)
def test_arrays_of_any_type_have_full_scale_one(dtype: Any, scale: float, offset: float) -> None:
    wave = np.array([0.0, 0.5, -0.5, 0.25, -1.0])
    decoded = _read((wave * scale + offset).astype(dtype))
    np.testing.assert_array_equal(decoded, wave.astype(np.float32))


def test_an_array_has_the_rate_that_the_call_says() -> None:
    original = voice(1.0, 44_100)
    with open_audio(original, sample_rate=44_100) as stream:
        assert stream.duration_s == 1.0
        assert stream.sample_rate == 16_000
        decoded = np.concatenate(list(stream))
    np.testing.assert_array_equal(decoded, resample(original, 44_100, 16_000))


def test_audio_knows_its_own_rate() -> None:
    audio = Audio(voice(0.5, 8_000), 8_000)
    assert len(_read(audio)) == 8_000
    assert len(_read(audio, sample_rate=8_000)) == 8_000
    with pytest.raises(OptionError, match="8000 Hz"):
        _read(audio, sample_rate=16_000)


def test_only_arrays_take_a_rate() -> None:
    with pytest.raises(OptionError):
        _read(_WAV, sample_rate=16_000)


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2, 2), np.float32),
        np.zeros((2, 1_000), np.float32),
        np.zeros(10, np.complex64),
        np.zeros(10, np.bool_),
        np.zeros(10, np.int64),
        np.array(["a"]),
    ],
)
def test_arrays_that_are_no_audio_are_refused(array: Any) -> None:
    with pytest.raises(OptionError):
        _read(array)


@pytest.mark.parametrize("rate", [-1, 1, 999, 2_000_000])
def test_impossible_rates_are_refused(rate: int) -> None:
    with pytest.raises(OptionError):
        _read(_VOICE, sample_rate=rate)


def test_channels_are_mixed_to_their_mean_or_picked() -> None:
    both = np.stack([_VOICE, np.zeros_like(_VOICE)], axis=1)
    wav = write(both, 16_000, "WAV", "FLOAT")
    np.testing.assert_allclose(_read(wav), _VOICE / 2, atol=1e-7)
    np.testing.assert_array_equal(_read(wav, AudioOptions(channel=0)), _VOICE)
    assert not _read(wav, AudioOptions(channel=1)).any()


@pytest.mark.parametrize("channel", [-1, 2, 99])
def test_a_channel_that_is_not_there_is_refused(channel: int) -> None:
    wav = write(np.stack([_VOICE, _VOICE], axis=1), 16_000, "WAV")
    with pytest.raises(OptionError, match="channel"):
        _read(wav, AudioOptions(channel=channel))


def test_samples_that_are_no_numbers_become_silence() -> None:
    broken = _VOICE.copy()
    broken[100:200] = np.nan
    broken[200] = np.inf
    expected = _VOICE.copy()
    expected[100:201] = 0.0
    np.testing.assert_array_equal(_read(broken), expected)
    np.testing.assert_array_equal(_read(write(broken, 16_000, "WAV", "FLOAT")), expected)


def test_audio_without_a_single_number_is_undecodable() -> None:
    with pytest.raises(UndecodableAudioError, match="finite"):
        _read(np.full(200_000, np.nan, np.float32))


def test_absurd_amplitudes_are_clipped_and_unscaled_integers_pass() -> None:
    wave = np.array([1e30, -1e300, 32_768.0, 0.5])
    np.testing.assert_array_equal(_read(wave), np.array([65_536.0, 0.0, 32_768.0, 0.5], np.float32))


@pytest.mark.parametrize("decoder", [DecoderChoice.SOUNDFILE, DecoderChoice.PYAV])
def test_a_header_that_promises_too_much_is_refused_at_once(decoder: DecoderChoice) -> None:
    options = AudioOptions(decoder=decoder, max_duration_s=1.0)
    with pytest.raises(AudioTooLongError, match=r"1\.5") as caught:
        open_audio(_WAV, options)
    assert caught.value.context["limit_s"] == 1.0


@pytest.mark.usefixtures("ffmpeg")
def test_too_long_audio_is_stopped_while_it_is_decoded() -> None:
    options = AudioOptions(decoder=DecoderChoice.FFMPEG, max_duration_s=1.0)
    with pytest.raises(AudioTooLongError):
        _read(_WAV, options)


def test_a_long_array_comes_in_blocks() -> None:
    with open_audio(np.zeros(16_000 * 23, np.int16)) as stream:
        assert [len(block) for block in stream] == [80_000] * 4 + [48_000]


def test_a_stream_that_is_closed_early_and_twice_is_fine() -> None:
    stream = open_audio(write(voice(12.0), 16_000, "FLAC"))
    assert len(next(iter(stream))) == 80_000
    stream.close()
    stream.close()
    assert list(stream) == []


@pytest.mark.usefixtures("ffmpeg")
def test_an_ffmpeg_that_is_left_early_is_killed() -> None:
    media = write(voice(20.0), 16_000, "WAV")
    with open_audio(media, AudioOptions(decoder=DecoderChoice.FFMPEG)) as stream:
        decoder: Any = stream._decoded
        next(iter(stream))
    assert decoder._process.returncode is not None
    assert not decoder._copy.exists()


def _likeness(decoded: FloatArray, original: FloatArray) -> float:
    """Largest normalised correlation over small shifts, since codecs delay."""
    length = min(len(decoded), len(original)) - 4_000
    piece = original[2_000 : 2_000 + length]
    scores = []
    for shift in range(0, 4_000, 1):
        other = decoded[shift : shift + length]
        if len(other) < length:
            break
        scores.append(float(piece @ other / np.linalg.norm(piece) / np.linalg.norm(other)))
    return max(scores)


def _feed(descriptor: int, data: bytes) -> None:
    with os.fdopen(descriptor, "wb") as pipe:
        pipe.write(data)
