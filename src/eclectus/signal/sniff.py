"""What the first bytes say a file is; names and suffixes are never looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

SNIFF_BYTES = 1_024


class Reader(Enum):
    """Who can read a format."""

    SOUNDFILE = auto()
    MEDIA = auto()
    NOBODY = auto()


@dataclass(frozen=True, slots=True)
class Format:
    """A recognised format.

    Attributes:
        name: For messages.
        reader: Who can read it.
    """

    name: str
    reader: Reader


# (offset, bytes, name, reader); the first match counts.
_SIGNATURES: tuple[tuple[int, bytes, str, Reader], ...] = (
    (8, b"WAVE", "WAV", Reader.SOUNDFILE),
    (0, b"riff\x2e\x91\xcf\x11", "Wave64", Reader.SOUNDFILE),
    (8, b"AVI ", "AVI video", Reader.MEDIA),
    (8, b"WEBP", "a WebP image", Reader.NOBODY),
    (0, b"FORM", "AIFF", Reader.SOUNDFILE),
    (0, b"caff", "CAF", Reader.SOUNDFILE),
    (0, b".snd", "AU", Reader.SOUNDFILE),
    (0, b"fLaC", "FLAC", Reader.SOUNDFILE),
    (0, b"OggS", "Ogg", Reader.SOUNDFILE),
    (0, b"ID3", "MP3", Reader.SOUNDFILE),
    (4, b"ftypM4A", "MPEG-4 audio (m4a)", Reader.MEDIA),
    (4, b"ftypqt", "QuickTime (mov)", Reader.MEDIA),
    (4, b"ftyp3g", "3GPP", Reader.MEDIA),
    (4, b"ftyp", "MPEG-4 (mp4)", Reader.MEDIA),
    (4, b"moov", "QuickTime (mov)", Reader.MEDIA),
    (4, b"mdat", "QuickTime (mov)", Reader.MEDIA),
    (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM", Reader.MEDIA),
    (0, b"#!AMR", "AMR", Reader.MEDIA),
    (0, b"FLV\x01", "Flash video", Reader.MEDIA),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media", Reader.MEDIA),
    (0, b"\x00\x00\x01\xba", "MPEG video", Reader.MEDIA),
    (0, b"\x0b\x77", "AC-3", Reader.MEDIA),
    (0, b"wvpk", "WavPack", Reader.MEDIA),
    (0, b"MAC ", "Monkey's Audio", Reader.MEDIA),
    (0, b"TTA1", "True Audio", Reader.MEDIA),
    (0, b"\x89PNG", "a PNG image", Reader.NOBODY),
    (0, b"\xff\xd8\xff", "a JPEG image", Reader.NOBODY),
    (0, b"GIF8", "a GIF image", Reader.NOBODY),
    (0, b"%PDF", "a PDF document", Reader.NOBODY),
    (0, b"PK\x03\x04", "a ZIP archive or office document", Reader.NOBODY),
    (0, b"\x1f\x8b", "a gzip archive", Reader.NOBODY),
    (0, b"\x7fELF", "a program", Reader.NOBODY),
    (0, b"#EXTM3U", "a playlist", Reader.NOBODY),
    (0, b"ffconcat", "a playlist", Reader.NOBODY),
    (0, b"<!DOCTYPE", "a web page", Reader.NOBODY),
    (0, b"<html", "a web page", Reader.NOBODY),
)

_TS_PACKET = 188
_TS_SYNC = 0x47


def sniff(head: bytes) -> Format | None:
    """Recognise a format.

    Args:
        head: The first `SNIFF_BYTES` bytes, or all of a shorter file.

    Returns:
        The format; None when the bytes are not known, which does not mean that nobody reads them.
    """
    for offset, magic, name, reader in _SIGNATURES:
        if head.startswith(magic, offset):
            return Format(name, reader)
    if _is_adts(head):
        return Format("AAC", Reader.MEDIA)
    if len(head) > _TS_PACKET and head[0] == head[_TS_PACKET] == _TS_SYNC:
        return Format("MPEG transport stream", Reader.MEDIA)
    return None


def _is_adts(head: bytes) -> bool:
    """AAC in ADTS begins as MP3 does, 12 bits set, but has layer 0."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0
