"""Hostile sources: each gives samples or its named error; none hangs, crashes or floods memory.

The limit on time is generous, since machines differ: it tells a hang from work.
"""

from __future__ import annotations

import contextlib
import io
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pytest

from eclectus.core.choices import DecoderChoice
from eclectus.core.errors import (
    AudioError,
    AudioNotFoundError,
    AudioTooLongError,
    UndecodableAudioError,
)
from eclectus.core.options import AudioOptions
from eclectus.signal.byte_source import open_bytes
from eclectus.signal.decode import AudioSource, open_audio
from tests.support.media import flac_bomb, mux, voice, write

_HANG_S = 60.0

_VOICE = voice(2.0)
_WAV = write(_VOICE, 16_000, "WAV")

_FILES = {
    "wav": _WAV,
    "w64": write(_VOICE, 16_000, "W64"),
    "aiff": write(_VOICE, 16_000, "AIFF"),
    "caf": write(_VOICE, 16_000, "CAF"),
    "flac": write(_VOICE, 16_000, "FLAC"),
    "mp3": write(_VOICE, 16_000, "MP3"),
    "vorbis": write(_VOICE, 16_000, "OGG", "VORBIS"),
    "opus": write(_VOICE, 16_000, "OGG", "OPUS"),
    "m4a": mux(_VOICE, 16_000, "ipod", "aac"),
    "aac": mux(_VOICE, 16_000, "adts", "aac"),
    "webm": mux(voice(2.0, 48_000), 48_000, "webm", "libopus"),
    "mpegts": mux(_VOICE, 16_000, "mpegts", "aac"),
}

# Formats that can be decoded up to where they were cut.
_GRACEFUL = sorted(set(_FILES) - {"m4a"})


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test machine has on its PATH must not matter."""
    monkeypatch.setenv("PATH", "")


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_file_cut_at_every_kilobyte_gives_its_beginning_or_its_error(name: str) -> None:
    data = _FILES[name]
    lengths = [_seconds(data[:cut]) for cut in range(0, len(data), 1_024)]
    assert lengths[0] is None
    assert all(length is None or 0 < length < 2.3 for length in lengths)
    if name in _GRACEFUL:
        assert lengths[-1] is not None
        assert lengths[-1] > 0.9  # a page of Ogg may hold a second


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_file_with_flipped_bytes_gives_samples_or_its_error(name: str) -> None:
    generator = np.random.default_rng(7)
    for _ in range(12):
        data = np.frombuffer(_FILES[name], np.uint8).copy()
        places = generator.integers(0, len(data), 1 + len(data) // 2_000)
        data[places] = generator.integers(0, 256, len(places))
        _seconds(data.tobytes())


@pytest.mark.parametrize("name", sorted(_FILES))
def test_a_header_and_then_noise_gives_samples_or_its_error(name: str) -> None:
    noise = np.random.default_rng(3).bytes(20_000)
    _seconds(_FILES[name][:200] + noise)


@pytest.mark.parametrize("decoder", [DecoderChoice.SOUNDFILE, DecoderChoice.PYAV])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"RIFF",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(16) + b"data\x00\x00\x00\x00",
        b"fLaC" + bytes(100),
        b"OggS" + bytes(100),
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(100),
        b"caff" + b"\xff" * 100,
        b"\xff\xfb\x90\x00" * 50,
        bytes(50_000),
        b"plain text, long enough to look like something\n" * 100,
        np.random.default_rng(0).bytes(50_000),
    ],
)
def test_what_is_no_audio_is_undecodable(data: bytes, decoder: DecoderChoice) -> None:
    with pytest.raises(UndecodableAudioError):
        _drain(data, AudioOptions(decoder=decoder))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "JPEG"),
        (b"%PDF-1.7" + bytes(100), "PDF"),
        (b"PK\x03\x04" + bytes(100), "ZIP"),
        (b"<!DOCTYPE html><html></html>", "web page"),
    ],
)
def test_what_it_is_instead_is_named(data: bytes, name: str) -> None:
    with pytest.raises(UndecodableAudioError, match=name):
        _drain(data)


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\na={}\n",
    ],
)
def test_a_playlist_opens_no_other_file(tmp_path: Path, playlist: str) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(_WAV)
    for text in (playlist.format(secret), " " + playlist.format(secret)):
        with pytest.raises(UndecodableAudioError):
            _drain(text.encode())


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(AudioNotFoundError, match="no file"):
        open_audio(tmp_path / "missing.wav")


@pytest.mark.parametrize("path", ["a\0b", "x" * 5_000, ""])
def test_an_impossible_path_is_not_found(path: str) -> None:
    with pytest.raises(AudioNotFoundError):
        open_audio(path)


def test_a_folder_is_not_found_and_named_so(tmp_path: Path) -> None:
    with pytest.raises(AudioNotFoundError, match="folder"):
        open_audio(tmp_path)


def test_a_pipe_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(AudioNotFoundError, match="pipe"):
        open_audio(path)


def test_a_device_is_refused() -> None:
    with pytest.raises(AudioNotFoundError, match="device"):
        open_audio("/dev/zero" if Path("/dev/zero").exists() else os.devnull)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")  # relative: addresses are short
        with pytest.raises(AudioNotFoundError):
            open_audio("socket")


def test_an_unreadable_file_is_not_found(tmp_path: Path) -> None:
    path = tmp_path / "mine.wav"
    path.write_bytes(_WAV)
    path.chmod(0)
    with _unprivileged(), pytest.raises(AudioNotFoundError, match="permission"):
        open_audio(path)


def test_an_empty_file_is_undecodable(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    with pytest.raises(UndecodableAudioError, match="empty"):
        open_audio(path)


def test_a_file_that_breaks_while_it_is_read_is_not_found() -> None:
    broken = _Broken(_WAV)
    with pytest.raises(AudioNotFoundError, match="can't be read"):
        open_audio(broken)


@pytest.mark.parametrize("samples", [1, 2, 15, 159, 160])
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000, 192_000])
def test_a_few_samples_are_audio(samples: int, rate: int) -> None:
    wav = write(voice(1.0, rate)[:samples], rate, "WAV")
    assert _drain(wav) == -(-samples * 16_000 // rate)


def test_192_khz_in_8_channels_is_audio() -> None:
    samples = np.repeat(voice(1.0, 192_000)[:, None], 8, axis=1)
    assert _drain(write(samples, 192_000, "WAV", "PCM_24")) == 16_000


def test_a_wav_without_numbers_is_undecodable() -> None:
    with pytest.raises(UndecodableAudioError, match="finite"):
        _drain(write(np.full(1_000, np.nan, np.float32), 16_000, "WAV", "FLOAT"))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_of_a_pipe_with_a_wrong_size_reads_to_its_end(size: int) -> None:
    place = _WAV.index(b"data") + 4
    assert _drain(_WAV[:place] + struct.pack("<I", size) + _WAV[place + 4 :]) == 32_000


@pytest.mark.parametrize("rate", [0, 1, 7, 999, 2**31 - 1])
def test_a_wav_with_an_absurd_rate_is_undecodable(rate: int) -> None:
    place = _WAV.index(b"fmt ") + 12
    with pytest.raises(UndecodableAudioError):
        _drain(_WAV[:place] + struct.pack("<I", rate) + _WAV[place + 4 :])


def test_hours_of_silence_in_a_few_kilobytes_are_stopped() -> None:
    bomb = flac_bomb(hours=10)
    assert len(bomb) < 20_000
    with pytest.raises(AudioTooLongError, match="bomb") as caught:
        _drain(bomb)
    # Stopped at the floor, not at the end.
    assert 600 < caught.value.context["decoded_s"] < 1_300  # type: ignore[operator]  # a float


def test_the_bomb_is_decoded_when_the_limit_is_lifted() -> None:
    assert _drain(flac_bomb(hours=1), AudioOptions(max_expansion=None)) > 3_500 * 16_000


def test_an_hour_of_silence_from_an_ordinary_encoder_is_no_bomb() -> None:
    silence = write(np.zeros(8_000 * 3_600, np.float32), 8_000, "FLAC")
    assert _drain(silence) == 16_000 * 3_600


def test_a_header_that_lies_about_hours_is_refused_by_the_limit() -> None:
    data = bytearray(write(_VOICE, 16_000, "FLAC"))
    data[21] |= 0x0F  # the top bits of the 36 that count the samples
    with pytest.raises(AudioTooLongError):
        _drain(bytes(data))


def test_an_endless_pipe_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eclectus.signal.byte_source._SPOOL_LIMIT", 3_000_000)
    with pytest.raises(AudioTooLongError, match="goes on"):
        open_bytes(cast(BinaryIO, _Endless()))


def _drain(source: AudioSource, options: AudioOptions | None = None) -> int:
    """Read all in a thread and return the number of samples; fail if it hangs."""
    outcome: list[int | BaseException] = []

    def work() -> None:
        try:
            with open_audio(source, options or AudioOptions()) as stream:
                outcome.append(sum(len(block) for block in stream))
        except BaseException as error:  # noqa: BLE001  carried to the test's own thread
            outcome.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(_HANG_S)
    assert outcome, "it hangs"
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _seconds(data: bytes) -> float | None:
    """Return the length that was read, or None for one of the named errors."""
    try:
        return _drain(data) / 16_000
    except AudioError:
        return None


@contextlib.contextmanager
def _unprivileged() -> Iterator[None]:
    """Give up root's right to read everything, if the tests run as root."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


class _Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        if size == 0:
            return b""
        raise OSError(5, "Input/output error")


class _Endless(io.RawIOBase):
    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        return bytes(max(size, 1))
