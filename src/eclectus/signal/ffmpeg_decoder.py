"""Decoding in a process of its own: `ffmpeg`, for when a crash must not take us along."""

from __future__ import annotations

import logging
import os
import shutil
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from eclectus.core.types import FloatArray
from eclectus.signal.byte_source import ByteSource
from eclectus.signal.decoded import MissingError, Mixer, RefusedError, check_rate
from eclectus.signal.media_formats import DEMUXERS

_LOG = logging.getLogger(__name__)

_BLOCK_S = 2
_STALL_S = 60.0
_STDERR_BYTES = 2_000
_LARGEST_ALLOCATION = 512 * 2**20
_MOST_CHANNELS = 1_024

# Sun's AU is the simplest stream that says its own rate: magic, offset of the data, their size,
# encoding, rate, channels, all big-endian.
_AU_HEADER = struct.Struct(">4s5I")
_AU_FLOAT = np.dtype(">f4")


class FFmpegDecoder:
    """The first audio stream as an ffmpeg process decodes it, in its own rate and channels.

    The process gets a local file and may open nothing else. It is killed by `close`, and when
    it delivers nothing for a minute.
    """

    duration_s: float | None = None

    def __init__(self, source: ByteSource, mixer: Mixer) -> None:
        """Start the process and read the header that it writes.

        Raises:
            MissingError: There is no ffmpeg on the PATH.
            RefusedError: ffmpeg does not know the format, or finds no audio in it.
        """
        program = shutil.which("ffmpeg")
        if program is None:
            raise MissingError("there is no ffmpeg on the PATH")
        self._mixer = mixer
        self._copy: Path | None = None
        path = source.path or self._copied(source)
        self._process = _start(program, path)
        self._complaints = _Complaints(_pipe(self._process.stderr), self._copy)
        try:
            self.sample_rate, self._channels = self._read_header()
        except BaseException:
            self.close()
            raise

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the samples; see `DecodedAudio`."""
        size = _AU_FLOAT.itemsize * self._channels
        while data := self._read(_BLOCK_S * self.sample_rate * size):
            whole = len(data) - len(data) % size
            samples = np.frombuffer(data[:whole], _AU_FLOAT).reshape(-1, self._channels)
            if len(samples):
                yield self._mixer(samples)
        if self._process.wait() != 0:
            _LOG.warning("ffmpeg ended early: %s", self._complaints.text())

    def close(self) -> None:
        """Kill the process and remove the copy that it read."""
        self._process.kill()
        self._process.wait()
        self._complaints.join()
        _pipe(self._process.stdout).close()
        _pipe(self._process.stderr).close()
        if self._copy is not None:
            self._copy.unlink(missing_ok=True)

    def _copied(self, source: ByteSource) -> Path:
        """Write the source to a file: not every container can be read from a pipe."""
        descriptor, name = tempfile.mkstemp(prefix="eclectus-")
        self._copy = Path(name)
        with os.fdopen(descriptor, "wb") as copy:
            shutil.copyfileobj(source.rewind(), copy, 2**20)
        return self._copy

    def _read_header(self) -> tuple[int, int]:
        header = self._read(_AU_HEADER.size)
        if len(header) < _AU_HEADER.size:
            self._process.wait()
            raise RefusedError(self._complaints.text() or "no audio could be decoded")
        _, offset, _, _, rate, channels = _AU_HEADER.unpack(header)
        self._read(offset - _AU_HEADER.size)
        if not 1 <= channels <= _MOST_CHANNELS:
            raise RefusedError(f"its header says {channels} channels")
        return check_rate(rate), channels

    def _read(self, count: int) -> bytes:
        """Read up to `count` bytes, less at the end; kill a process that stalls."""
        watchdog = threading.Timer(_STALL_S, self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            return _pipe(self._process.stdout).read(count)
        finally:
            watchdog.cancel()


class _Complaints:
    """Reads what a process says on stderr, and keeps the end of it."""

    def __init__(self, pipe: IO[bytes], copy: Path | None) -> None:
        self._pipe = pipe
        self._copy = copy
        self._end = b""
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def text(self) -> str:
        """Return the last line, once the process has ended."""
        self.join()
        lines = self._end.decode(errors="replace").strip().splitlines()
        line = lines[-1] if lines else ""
        # Where a copy of the source lies is nobody's business.
        return line.replace(f"file:{self._copy}", "the source") if self._copy else line

    def join(self) -> None:
        self._thread.join()

    def _drain(self) -> None:
        while data := self._pipe.read1(_STDERR_BYTES):  # type: ignore[attr-defined]  # IO omits it
            self._end = (self._end + data)[-_STDERR_BYTES:]


def _start(program: str, path: Path) -> subprocess.Popen[bytes]:
    command = [
        program,
        *("-nostdin", "-hide_banner", "-loglevel", "error"),
        *("-max_alloc", str(_LARGEST_ALLOCATION), "-threads", "1"),
        *("-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS),
        *("-i", f"file:{path}"),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1"),
        *("-c:a", "pcm_f32be", "-f", "au", "pipe:1"),
    ]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=2**16,
    )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None  # opened with PIPE
    return pipe
