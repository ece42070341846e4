"""Formats by their first bytes."""

from __future__ import annotations

import pytest

from eclectus.signal.sniff import Reader, sniff
from tests.support.media import mux, voice, write

_VOICE = voice(0.5)


@pytest.mark.parametrize("form", ["WAV", "RF64", "W64", "AIFF", "CAF", "AU", "FLAC", "OGG"])
def test_what_libsndfile_writes_goes_to_libsndfile(form: str) -> None:
    found = sniff(write(_VOICE, 16_000, form)[:1_024])
    # An RF64 file begins with its own four letters, then goes on as WAV does.
    assert found is not None
    assert found.reader is Reader.SOUNDFILE


@pytest.mark.parametrize(
    ("container", "codec", "name"),
    [
        ("ipod", "aac", "m4a"),
        ("mp4", "aac", "mp4"),
        ("mov", "pcm_s16le", "QuickTime"),
        ("3gp", "aac", "3GPP"),
        ("matroska", "flac", "Matroska"),
        ("avi", "pcm_s16le", "AVI"),
        ("adts", "aac", "AAC"),
        ("mpegts", "aac", "MPEG transport"),
    ],
)
def test_containers_go_to_the_media_decoders(container: str, codec: str, name: str) -> None:
    found = sniff(mux(_VOICE, 16_000, container, codec)[:1_024])
    assert found is not None
    assert found.reader is Reader.MEDIA
    assert name in found.name


def test_a_bare_mp3_is_not_taken_for_aac() -> None:
    assert sniff(b"\xff\xfb\x90\x64" + bytes(100)) is None


@pytest.mark.parametrize("head", [b"", b"R", b"\xff", b"RIFF", b"words", bytes(1_024)])
def test_other_bytes_are_unknown(head: bytes) -> None:
    assert sniff(head) is None
