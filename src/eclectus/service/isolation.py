"""Decodes uploads in processes of their own, so that no file can take the server down.

Decoders of a hundred formats are large programs in C that read what strangers send. Here one that
crashes, hangs or takes all memory ends a small process, and one request with it.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from eclectus.core import errors
from eclectus.core.errors import AudioError, EclectusError, OptionError, UndecodableAudioError
from eclectus.core.options import AudioOptions
from eclectus.core.protocols import AudioStream
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import Audio, FloatArray
from eclectus.service.decode_worker import BLOCK, IDLE_S, OPENED, PROBLEM, values_of
from eclectus.signal.decode import AudioSource, open_audio

LOG = logging.getLogger(__name__)
_INLINE_BYTES = 4 * 2**20
"""Up to here a source is sent to the process; of a larger one it gets the open file."""
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Threads of numerical libraries would each reserve memory."""
_HANDED_ON = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "TMPDIR", "LANG")
"""Of the environment; the rest may hold keys."""
_LONGEST_ANSWER = 64 * 2**20
"""Bytes: blocks are some seconds long, and a process that was taken over may send what it likes."""
_LONGEST_TEXT = 64 * 1024
_LONGEST_MESSAGE = 2_000
_LONGEST_S = 1e9
_KEPT = 8
"""Processes that are kept for later files, until they end by themselves. To start one takes longer
than to recognise a short file."""


def is_supported() -> bool:
    """Whether this system can hand open files to other processes."""
    return hasattr(socket, "send_fds")


class DecodingProcesses:
    """Opens audio like `open_audio`, but decodes it elsewhere; safe to use from many threads."""

    def __init__(self, *, memory_mb: int = 2048, stall_s: float = 60.0) -> None:
        """Prepare; processes begin when they are needed.

        Args:
            memory_mb: Address space that each may take.
            stall_s: One that delivers nothing for so long is killed.
        """
        self._memory_mb = memory_mb
        self._stall_s = stall_s
        self._lock = threading.Lock()
        self._idle: list[DecodingProcess] = []
        self._closed = False

    def open(
        self,
        source: AudioSource,
        options: AudioOptions,
        *,
        sample_rate: int | None = None,
        target_rate: int = SAMPLE_RATE,
    ) -> AudioStream:
        """Open audio; see `open_audio`. What is no encoded file is opened here.

        Raises:
            EclectusError: As `open_audio`; `UndecodableAudioError` also where decoding crashed,
                hung or took too much memory.
        """
        if isinstance(source, str | os.PathLike | np.ndarray | Audio):
            return open_audio(source, options, sample_rate=sample_rate, target_rate=target_rate)
        return self._open_file(source, options, target_rate)

    def _open_file(
        self, source: BinaryIO | bytes, options: AudioOptions, target_rate: int
    ) -> AudioStream:
        process = self._take()
        try:
            duration_s = process.open(source, options, target_rate)
        except BaseException as error:
            self._give_back(process, clean=isinstance(error, EclectusError))
            raise
        return IsolatedStream(self, process, duration_s, target_rate)

    def _take(self) -> DecodingProcess:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.fresh:
                    return process
                process.kill()
        return DecodingProcess(self._memory_mb, self._stall_s)

    def _give_back(self, process: DecodingProcess, *, clean: bool) -> None:
        with self._lock:
            stale = [one for one in self._idle if not one.fresh]
            self._idle = [one for one in self._idle if one not in stale]
            if clean and process.rest() and not self._closed and len(self._idle) < _KEPT:
                self._idle.append(process)
            else:
                stale.append(process)
        for one in stale:
            one.kill()

    def close(self) -> None:
        """End the processes that nobody uses, and the others when they are done."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.kill()


class DecodingProcess:
    """One process; for one source at a time."""

    def __init__(self, memory_mb: int, stall_s: float) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-B", "-m", "eclectus.service.decode_worker"]
        ours_to_give = os.environ  # noqa: TID251 - handed on unread
        environment = {name: ours_to_give[name] for name in _HANDED_ON if name in ours_to_give}
        with theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(memory_mb)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment | _ONE_THREAD,
                start_new_session=True,  # Ctrl-C is for the server, which lets files end
            )
        self._link = Connection(ours.detach())
        self._stall_s = stall_s
        self._rests_since = time.monotonic()

    def rest(self) -> bool:
        """Begin to wait for a source; False if it has ended."""
        self._rests_since = time.monotonic()
        return self.fresh

    @property
    def fresh(self) -> bool:
        """Whether it runs, has nothing to say and is far from ending by itself."""
        if self._process.poll() is not None or self._link.poll():
            return False
        return time.monotonic() - self._rests_since < IDLE_S / 2

    def open(
        self, source: BinaryIO | bytes, options: AudioOptions, target_rate: int
    ) -> float | None:
        """Send a source; return the length that it promises, in seconds.

        Raises:
            EclectusError: It can't be decoded.
        """
        data = source if isinstance(source, bytes) else _small(source)
        request = {
            "inline": data is not None,
            "options": values_of(options),
            "target_rate": target_rate,
        }
        try:
            self._link.send_bytes(json.dumps(request).encode())
            if data is not None:
                self._link.send_bytes(data)
            else:
                assert not isinstance(source, bytes)
                source.flush()
                send_handle(self._link, source.fileno(), self._process.pid)
        except OSError as error:
            raise self._broken() from error
        promised = self._parsed(self._receive(OPENED))
        if promised is None:
            return None
        if isinstance(promised, int | float) and 0 <= promised <= _LONGEST_S:
            return float(promised)
        raise self._malformed()

    def blocks(self) -> Iterator[FloatArray]:
        """Yield the samples.

        Raises:
            EclectusError: The rest can't be decoded.
        """
        while data := self._receive(BLOCK):
            if len(data) % 4:
                raise self._malformed()
            samples = np.frombuffer(data, "<f4").astype(np.float32, copy=False)
            if not np.isfinite(samples).all():
                raise self._malformed()
            yield samples

    def _receive(self, expected: bytes) -> bytes:
        """Return the next answer, of a kind, without the byte that names its kind."""
        try:
            if not self._link.poll(self._stall_s):
                self.kill()
                raise UndecodableAudioError(
                    f"decoding it brought nothing for {self._stall_s:g} s", crashed=True
                )
            answer = self._link.recv_bytes(_LONGEST_ANSWER)
        except (EOFError, OSError) as error:
            raise self._broken() from error
        if answer[:1] == PROBLEM:
            raise problem_of(self._parsed(answer[1:]))
        if answer[:1] != expected:
            raise self._malformed()
        return answer[1:]

    def _parsed(self, text: bytes) -> object:
        if len(text) > _LONGEST_TEXT:
            raise self._malformed()
        try:
            parsed: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._malformed() from error
        return parsed

    def _malformed(self) -> UndecodableAudioError:
        """Return the error for an answer that no decoder of ours gives; the process is ended."""
        self.kill()
        LOG.warning("a decoding process gave a malformed answer and was ended")
        return UndecodableAudioError(
            "decoding it failed badly: the file makes its decoder misbehave", crashed=True
        )

    def _broken(self) -> UndecodableAudioError:
        self.kill()
        LOG.warning("a decoding process ended with status %s", self._process.returncode)
        return UndecodableAudioError(
            "decoding it failed badly: the file is broken, or needs more memory than it may have",
            crashed=True,
        )

    def kill(self) -> None:
        """End it at once."""
        with suppress(OSError):
            self._link.close()
        self._process.kill()
        self._process.wait()


class IsolatedStream:
    """What a process decodes, as `AudioStream`."""

    def __init__(
        self,
        owner: DecodingProcesses,
        process: DecodingProcess,
        duration_s: float | None,
        sample_rate: int,
    ) -> None:
        self._owner = owner
        self._process: DecodingProcess | None = process
        self._duration_s = duration_s
        self._sample_rate = sample_rate
        self._blocks = self._read(process)

    @property
    def sample_rate(self) -> int:
        """Rate of the samples, in Hz."""
        return self._sample_rate

    @property
    def duration_s(self) -> float | None:
        """Length that the container promises, in seconds; None if it does not say."""
        return self._duration_s

    def __iter__(self) -> Iterator[FloatArray]:
        return self._blocks

    def _read(self, process: DecodingProcess) -> Iterator[FloatArray]:
        try:
            yield from process.blocks()
        except EclectusError:
            self._end(clean=True)
            raise
        self._end(clean=True)

    def _end(self, *, clean: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._owner._give_back(process, clean=clean)  # noqa: SLF001 - its own streams

    def close(self) -> None:
        """Let the process go; one that is not done is killed."""
        self._end(clean=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _small(source: BinaryIO) -> bytes | None:
    """Return all bytes of a short source, None of a longer one; from its beginning."""
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return source.read() if size <= _INLINE_BYTES or not _has_descriptor(source) else None


def _has_descriptor(source: BinaryIO) -> bool:
    try:
        source.fileno()
    except OSError:
        return False
    return True


def problem_of(answer: object) -> EclectusError:
    """Return the error that a process reports: one of audio or of options, whatever it says."""
    told = answer if isinstance(answer, dict) else {}
    kinds = {
        kind.code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, AudioError | OptionError)
    }
    kind = kinds.get(str(told.get("code")), AudioError)
    context = told.get("context")
    known = {
        name: value
        for name, value in (context if isinstance(context, dict) else {}).items()
        if name not in ("self", "message")
        and (value is None or isinstance(value, str | int | float))
    }
    return kind(str(told.get("message", "it can't be decoded"))[:_LONGEST_MESSAGE], **known)
