"""Media files: how they are named, and which of FFmpeg's demuxers may see them.

Left out of the demuxers are those that follow references to other files or hosts (HLS, DASH,
concat, SDP, image sequences, AviSynth …), which a hostile file could use to read what it should
not, those that guess any bytes to be samples, and module music.
"""

from __future__ import annotations

DEMUXERS = ",".join(
    (
        *("aac", "ac3", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "au", "avi", "caf"),
        *("dsf", "dts", "eac3", "flac", "flv", "gsm", "iff", "ircam", "loas", "matroska"),
        *("mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "mxf", "nistsphere", "nut", "ogg"),
        *("oma", "qcp", "rm", "sox", "tta", "voc", "w64", "wav", "wv", "xwma"),
    )
)

AUDIO_SUFFIXES = (
    *(".wav", ".wave", ".w64", ".rf64", ".flac", ".mp3", ".ogg", ".oga", ".opus"),
    *(".aif", ".aiff", ".au", ".caf", ".m4a", ".m4b", ".aac", ".mka", ".wma", ".amr", ".ac3"),
)
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".wmv", ".asf", ".3gp", ".3g2"),
    *(".ts", ".mts", ".mpg", ".mpeg", ".flv"),
)
"""Endings of file names, by which files are found in folders; the content decides what they are."""
MEDIA_SUFFIXES = frozenset((*AUDIO_SUFFIXES, *VIDEO_SUFFIXES))
