"""Inputs that are not what they seem: each fails alone, with its name, and nothing hangs."""

import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eclectus.core.types import FloatArray
from tests.support.clips import right
from tests.support.command_line import Cli

DATA = Path(__file__).resolve().parents[1] / "data"
RATE = 16_000


def tone(seconds: float, rate: int = RATE) -> FloatArray:
    wave: FloatArray = np.sin(np.arange(int(seconds * rate)) * 0.05).astype(np.float32)
    return wave * np.float32(0.3)


def wav(path: Path, samples: object, rate: int = RATE, subtype: str = "PCM_16") -> None:
    soundfile.write(path, samples, rate, subtype=subtype, format="WAV")


def header(*, channels: int = 1, rate: int = RATE, bits: int = 16, length: int = 32_000) -> bytes:
    block = channels * bits // 8
    chunk = struct.pack("<HHIIHH", 1, channels, rate, rate * block % 2**32, block % 2**16, bits)
    size = (36 + length) % 2**32
    return b"RIFF" + struct.pack("<I", size) + b"WAVEfmt " + struct.pack("<I", 16) + chunk


def odd_bits(path: Path) -> None:
    path.write_bytes(header(bits=7) + b"data\x04\0\0\0\0\0\0\0")


def broken_files(folder: Path) -> list[str]:
    """Files that hold no audio that can be used."""
    flac = (DATA / "garden.flac").read_bytes()
    contents: dict[str, bytes] = {
        "empty.wav": b"",
        "empty.flac": b"",
        "empty.mp3": b"",
        "one-byte.wav": b"R",
        "riff.wav": b"RIFF",
        "no-data.wav": header(length=0),
        "no-format.wav": b"RIFF\x24\0\0\0WAVEdata\0\0\0\0",
        "zero-channels.wav": header(channels=0) + b"data\0\0\0\0",
        "zero-rate.wav": header(rate=0) + b"data\x04\0\0\0\0\0\0\0",
        "picture.png": b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + bytes(60),
        "picture.wav": b"\x89PNG\r\n\x1a\n" + bytes(60),
        "text.wav": b"this is not audio\n" * 50,
        "text.txt": b"hello\n",
        "page.flac": b"<!doctype html><html></html>",
        "program.mp3": b"\x7fELF\x02\x01\x01" + bytes(200),
        "archive.ogg": b"PK\x03\x04" + bytes(100),
        "zeros.wav": bytes(4096),
        "zeros.mp3": bytes(4096),
        "zeros.opus": bytes(4096),
        "ones.flac": b"\xff" * 4096,
        "noise.ogg": np.random.default_rng(0).bytes(4096),
        "noise.m4a": np.random.default_rng(1).bytes(4096),
        "noise.webm": np.random.default_rng(2).bytes(4096),
        "noise.mp4": np.random.default_rng(3).bytes(4096),
        "noise.amr": np.random.default_rng(4).bytes(4096),
        "flac-magic.flac": b"fLaC",
        "ogg-magic.ogg": b"OggS",
        "id3.mp3": b"ID3\x03\0\0\0\0\0\x0a" + bytes(10),
        "ftyp.mp4": b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "ebml.webm": b"\x1a\x45\xdf\xa3\x9f",
        "flac-head.flac": flac[:42],
        "dot": b"",
        "ünïcode 🎧.wav": b"broken",
        "-dash.wav": b"broken",
        "quote'\".wav": b"broken",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    wav(folder / "no-samples.wav", np.zeros(0, np.float32))
    return [*contents, "no-samples.wav"]


def odd_files(folder: Path) -> list[str]:
    """Files that are unusual, yet audio: they must give a result."""
    rng = np.random.default_rng(5)
    speech, rate = soundfile.read(DATA / "garden.flac", dtype="float32")
    made: dict[str, Callable[[Path], None]] = {
        "seven-bits.wav": odd_bits,
        "one-sample.wav": lambda path: wav(path, tone(1.0)[:1]),
        "two-samples.wav": lambda path: wav(path, tone(1.0)[:2]),
        "ten-ms.wav": lambda path: wav(path, tone(0.01)),
        "silence.wav": lambda path: wav(path, np.zeros(RATE, np.float32)),
        "loud.wav": lambda path: wav(path, tone(1.0) * 1000, subtype="FLOAT"),
        "tiny-values.wav": lambda path: wav(path, tone(1.0) * 1e-30, subtype="DOUBLE"),
        "offset.wav": lambda path: wav(path, np.ones(RATE, np.float32) * 0.5),
        "noise.wav": lambda path: wav(path, rng.standard_normal(RATE) * 0.1),
        "rate-192k.wav": lambda path: wav(path, tone(1.0, 192_000), 192_000),
        "rate-8k.wav": lambda path: wav(path, tone(1.0, 8_000), 8_000),
        "rate-odd.wav": lambda path: wav(path, tone(1.0, 12_345), 12_345),
        "eight-channels.wav": lambda path: wav(path, np.tile(tone(1.0)[:, None], (1, 8))),
        "u8.wav": lambda path: wav(path, tone(1.0), subtype="PCM_U8"),
        "pcm24.wav": lambda path: wav(path, tone(1.0), subtype="PCM_24"),
        "pcm32.wav": lambda path: wav(path, tone(1.0), subtype="PCM_32"),
        "ulaw.wav": lambda path: wav(path, tone(1.0), subtype="ULAW"),
        "no-suffix": lambda path: wav(path, speech, rate),
        "flac-inside.mp3": lambda path: soundfile.write(path, speech, rate, format="FLAC"),
        "wav-inside.flac": lambda path: wav(path, speech, rate),
        "upper.WAV": lambda path: wav(path, speech, rate),
        "two words & more.wav": lambda path: wav(path, speech, rate),
    }
    for name, make in made.items():
        make(folder / name)
    return list(made)


def test_every_odd_file_gives_a_result_in_one_run(cli: Cli, place: Path) -> None:
    names = odd_files(place)
    ended = cli("transcribe", *names, "-f", "json", "-o", "out")
    assert ended.code == 0, ended.err
    assert len(list(Path("out").iterdir())) == len(names)


def test_every_broken_file_fails_alone_with_its_named_error(
    cli: Cli, place: Path, clip: Path
) -> None:
    names = broken_files(place)
    ended = cli("transcribe", "--stdout", "--", clip, *names)
    assert ended.code == 3, ended.err
    told = [line for line in ended.err.splitlines() if line.endswith(")")]
    for name in names:
        [line] = [line for line in told if line.startswith((f"{name}: ", f"{name} "))]
        assert line.rsplit("(", 1)[1] in {
            *("undecodable_audio)", "unsupported_media)", "audio_not_found)"),
        }, line
    assert right(ended.out)


def test_a_file_cut_at_every_kilobyte_gives_a_result_or_a_named_error(
    cli: Cli, place: Path
) -> None:
    whole = (DATA / "garden.flac").read_bytes()
    names = []
    for size in range(1024, len(whole), 1024):
        name = f"cut-{size}.flac"
        (place / name).write_bytes(whole[:size])
        names.append(name)
    ended = cli("transcribe", *names, "-f", "txt", "-o", "out")
    assert ended.code in {0, 3, 4}
    written = {path.stem for path in Path("out").glob("*.txt")}
    failed = {name for name in names if name in ended.err and Path(name).stem not in written}
    assert len(written) + len(failed) == len(names)


def test_values_that_are_no_numbers_are_named_or_survived(cli: Cli, place: Path) -> None:
    for name, value in (("nan", np.nan), ("inf", np.inf)):
        samples = tone(1.0)
        samples[100:200] = value
        wav(place / f"{name}.wav", samples, subtype="FLOAT")
        ended = cli("transcribe", f"{name}.wav")
        assert ended.code in {0, 4}
        assert "this is a bug" not in ended.err
        assert "nan" not in ended.out


def test_folders_sockets_and_unreadable_paths_are_named(cli: Cli, place: Path) -> None:
    (place / "folder.wav").mkdir()
    (place / "loop.wav").symlink_to("loop.wav")
    (place / "dangling.wav").symlink_to("gone.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")
        names = ("folder.wav", "loop.wav", "dangling.wav", "socket.wav", "", "x" * 300, "a/b.c")
        ended = cli("transcribe", *names)
    assert ended.code == 4
    assert ended.err.count("(audio_not_found)") == len(names), ended.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_instead_of_waited_for(place: Path) -> None:
    os.mkfifo(place / "pipe.wav")
    done = subprocess.run(
        [Path(sys.executable).with_name("eclectus"), "transcribe", "pipe.wav", "--quiet"],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 4
    assert done.stderr.startswith("pipe.wav is a pipe")


@pytest.mark.slow
def test_hours_of_silence_in_a_few_kilobytes_are_refused(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours = np.zeros(10 * 3600 * 1000, np.int16)
    soundfile.write(place / "bomb.flac", hours, 1000, format="FLAC")
    monkeypatch.setenv("ECLECTUS_AUDIO__MAX_EXPANSION", "5")
    ended = cli("transcribe", "bomb.flac")
    assert ended.code == 4
    assert "(audio_too_long)" in ended.err


def test_limits_on_length_are_kept(cli: Cli, clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_AUDIO_DURATION", "2")
    ended = cli("transcribe", clip)
    assert ended.code == 4
    assert "(audio_too_long)" in ended.err
