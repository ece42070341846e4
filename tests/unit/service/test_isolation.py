"""Uploads are decoded where they can do no harm."""

import io
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eclectus.core.errors import (
    AudioError,
    AudioTooLongError,
    EclectusError,
    OptionError,
    UndecodableAudioError,
)
from eclectus.core.options import AudioOptions
from eclectus.core.types import FloatArray
from eclectus.service import isolation
from eclectus.service.isolation import DecodingProcesses, IsolatedStream, is_supported, problem_of
from eclectus.signal.decode import open_audio

CLIP = Path(__file__).parents[2] / "data" / "garden.flac"
PLAIN = AudioOptions()

pytestmark = pytest.mark.skipif(not is_supported(), reason="no open files for other processes here")


@pytest.fixture
def processes() -> Iterator[DecodingProcesses]:
    found = DecodingProcesses()
    yield found
    found.close()


def whole(stream: object) -> FloatArray:
    with stream as opened:  # type: ignore[attr-defined]
        return np.concatenate([*opened])


def long_wave(seconds: int) -> bytes:
    spool = io.BytesIO()
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000 * seconds).astype(np.float32)
    soundfile.write(spool, samples, 16_000, format="WAV", subtype="PCM_16")
    return spool.getvalue()


@pytest.fixture
def spooled() -> Iterator[Callable[[bytes], object]]:
    """Makes temporary files, as uploads are."""
    with ExitStack() as stack:

        def make(data: bytes) -> object:
            found = stack.enter_context(tempfile.SpooledTemporaryFile(10))
            found.write(data)
            return found

        yield make


def as_bytes(data: bytes) -> bytes:
    return data


def as_memory(data: bytes) -> io.BytesIO:
    found = io.BytesIO(data)
    found.seek(5)
    return found


@pytest.mark.parametrize("made", [as_bytes, as_memory, None])
@pytest.mark.parametrize("seconds", [None, 200])
def test_samples_are_those_of_this_process(
    processes: DecodingProcesses,
    spooled: Callable[[bytes], object],
    made: Callable[[bytes], object] | None,
    seconds: int | None,
) -> None:
    """A short source travels, a long one is handed over as an open file where it is one."""
    made = made or spooled
    data = long_wave(seconds) if seconds else CLIP.read_bytes()
    options = AudioOptions(channel=0)
    stream = processes.open(made(data), options, target_rate=8_000)  # type: ignore[arg-type]
    expected = open_audio(data, options, target_rate=8_000)
    assert stream.sample_rate == 8_000
    assert stream.duration_s == expected.duration_s
    assert np.array_equal(whole(stream), whole(expected))


def test_arrays_are_not_encoded(processes: DecodingProcesses) -> None:
    assert whole(processes.open(np.ones(5, np.float32), PLAIN, sample_rate=16_000)).tolist() == (
        [1.0] * 5
    )


@pytest.mark.parametrize("data", [b"", b"no audio at all" * 99, CLIP.read_bytes()[:200]])
def test_errors_are_those_of_this_process(processes: DecodingProcesses, data: bytes) -> None:
    def problem(opener: Callable[..., object]) -> EclectusError:
        with pytest.raises(EclectusError) as caught:
            whole(opener(io.BytesIO(data), PLAIN))
        return caught.value

    found, expected = problem(processes.open), problem(open_audio)
    assert type(found) is type(expected)
    assert found.message == expected.message
    assert found.context == expected.context


def test_errors_in_the_middle_come_through_and_the_process_goes_on(
    processes: DecodingProcesses,
) -> None:
    with pytest.raises(AudioTooLongError):
        whole(processes.open(long_wave(3), AudioOptions(max_duration_s=1.0)))
    with pytest.raises(OptionError):
        whole(processes.open(long_wave(3), AudioOptions(channel=7)))
    first = idle_pid(processes)
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    assert idle_pid(processes) == first


def idle_pid(processes: DecodingProcesses) -> int:
    (process,) = processes._idle
    return process._process.pid


def pid_of(stream: object) -> int:
    assert isinstance(stream, IsolatedStream)
    process = stream._process
    assert process is not None
    return process._process.pid


def test_a_crash_is_one_request_s_misfortune(processes: DecodingProcesses) -> None:
    stream = processes.open(long_wave(200), PLAIN)
    blocks = iter(stream)
    next(blocks)
    os.kill(pid_of(stream), signal.SIGSEGV)
    with pytest.raises(UndecodableAudioError, match="failed badly"):
        for _ in blocks:
            pass
    assert len(whole(processes.open(CLIP.read_bytes(), PLAIN)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_for_the_whole_group_lets_files_end(
    processes: DecodingProcesses, number: signal.Signals
) -> None:
    """Service managers and terminals send it to the parent's processes too."""
    data = long_wave(30)
    stream = processes.open(data, PLAIN)
    os.kill(pid_of(stream), number)
    assert np.array_equal(whole(stream), whole(open_audio(data, PLAIN)))


def test_a_process_that_died_idle_is_replaced(processes: DecodingProcesses) -> None:
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    pid = idle_pid(processes)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert len(whole(processes.open(CLIP.read_bytes(), PLAIN)))
    assert idle_pid(processes) != pid


def test_one_that_would_soon_end_by_itself_is_not_asked(processes: DecodingProcesses) -> None:
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    pid = idle_pid(processes)
    processes._idle[0]._rests_since -= 45.0
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    assert idle_pid(processes) != pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_a_process_is_told_no_keys(
    processes: DecodingProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECLECTUS_SERVER__API_KEYS", "secret")
    monkeypatch.setenv("TMPDIR", "/tmp")
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    told = Path(f"/proc/{idle_pid(processes)}/environ").read_bytes()
    assert b"TMPDIR=/tmp" in told
    assert b"secret" not in told


def test_one_that_hangs_is_killed(processes: DecodingProcesses) -> None:
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    (process,) = processes._idle
    process._stall_s = 0.3
    pid = idle_pid(processes)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(UndecodableAudioError, match="brought nothing"):
        processes.open(CLIP.read_bytes(), PLAIN)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
def test_one_that_takes_too_much_memory_is_refused() -> None:
    processes = DecodingProcesses(memory_mb=60)
    with pytest.raises(UndecodableAudioError, match="memory"):
        processes.open(CLIP.read_bytes(), PLAIN)
    processes.close()


def test_who_is_not_heard_to_the_end_leaves_no_process(processes: DecodingProcesses) -> None:
    stream = processes.open(long_wave(200), PLAIN)
    next(iter(stream))
    pid = pid_of(stream)
    stream.close()
    stream.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_closing_lets_open_files_end_and_keeps_nothing(processes: DecodingProcesses) -> None:
    stream = processes.open(CLIP.read_bytes(), PLAIN)
    pid = pid_of(stream)
    processes.close()
    assert len(whole(stream))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_many_at_once(processes: DecodingProcesses) -> None:
    expected = whole(open_audio(CLIP.read_bytes(), PLAIN))
    found: list[bool] = []

    def run() -> None:
        found.append(np.array_equal(whole(processes.open(CLIP.read_bytes(), PLAIN)), expected))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6
    assert len(processes._idle) <= isolation._KEPT


def taken_over(processes: DecodingProcesses, *answers: bytes) -> Connection:
    """Let the next source get these answers, as of a decoder that does what a file tells it."""
    whole(processes.open(CLIP.read_bytes(), PLAIN))
    (process,) = processes._idle
    ours, theirs = Pipe()
    process._link.close()
    process._link = ours
    # Nothing may be there before the source is sent: a process that speaks unasked is not used.
    send = process._link.send_bytes

    def answer(data: bytes) -> None:
        send(data)
        while answers_left:
            theirs.send_bytes(answers_left.pop(0))

    answers_left = list(answers)
    process._link.send_bytes = answer  # type: ignore[method-assign, assignment] # the fault to test
    return theirs


@pytest.mark.parametrize(
    "answers",
    [
        [b""],
        [b"x1.0"],
        [b"b"],
        [b"o"],
        [b"o{"],
        [b'o"ten"'],
        [b"o" + b"[" * 100_000],
        [b"o" + b"1" * 100_000],
        [b"p"],
        [b"p{"],
        [b"p" + b"[" * 60_000],
        [b"o1.0", b"babc"],
        [b"o1.0", b"b" + np.array([np.nan], "<f4").tobytes()],
        [b"o1.0", b"o1.0"],
    ],
    ids=lambda answers: repr(answers[-1][:8]),
)
def test_an_answer_that_no_decoder_gives_is_an_error_of_the_audio(
    processes: DecodingProcesses, answers: list[bytes]
) -> None:
    link = taken_over(processes, *answers)
    with pytest.raises(UndecodableAudioError, match="failed badly"):
        whole(processes.open(CLIP.read_bytes(), PLAIN))
    link.close()


def test_an_answer_is_no_longer_than_a_block(
    processes: DecodingProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "_LONGEST_ANSWER", 1_000)
    with pytest.raises(UndecodableAudioError, match="failed badly"):
        whole(processes.open(CLIP.read_bytes(), PLAIN))


@pytest.mark.parametrize(
    "told",
    [
        {},
        [],
        "x",
        5,
        None,
        {"code": ["x"], "message": 5, "context": {"message": "twice"}},
        {"code": "capacity", "message": "m" * 10_000, "context": {"retry_after_s": 1e9}},
        {"code": "undecodable_audio", "context": {"a": [1], "b": {}}},
    ],
)
def test_whatever_a_process_reports_is_an_error_of_audio(told: object) -> None:
    problem = problem_of(told)
    assert isinstance(problem, AudioError)
    assert len(problem.message) <= 2_000


def test_an_unknown_problem_is_an_error_still() -> None:
    assert problem_of({"code": "?", "message": "m", "context": None}).message == "m"
