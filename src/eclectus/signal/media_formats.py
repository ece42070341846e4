"""Which of FFmpeg's demuxers may see a file.

Left out are those that follow references to other files or hosts (HLS, DASH, concat, SDP, image
sequences, AviSynth …), which a hostile file could use to read what it should not, those that
guess any bytes to be samples, and module music.
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
