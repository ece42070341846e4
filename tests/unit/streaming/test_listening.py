"""Many streams listen for speech in one thread."""

import threading
from concurrent.futures import Future

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eclectus
from eclectus.core.errors import InferenceError, StreamClosedError
from eclectus.core.protocols import SpeechDetector
from eclectus.core.types import FloatArray
from eclectus.signal.logmel_windows import LogMelWindows
from eclectus.signal.melframes import MelFrames
from eclectus.signal.onset import Measured, OnsetDetector
from eclectus.streaming.engine import Work
from eclectus.streaming.events import Ended, Event
from eclectus.streaming.listening import Listener, listen
from eclectus.streaming.steps import Listening, Steps
from eclectus.streaming.windows import Last

PATIENCE_S = 60.0
RATE = 16_000


def voice(seed: int) -> FloatArray:
    """Buzzes of changing pitch in noise, with gaps: all branches of a detector."""
    random = np.random.default_rng(seed)
    time = np.arange(3 * RATE) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * (0.5 + seed) * time)
    buzz = np.sign(np.sin(2 * np.pi * np.cumsum(pitch) / RATE)) * (np.sin(7 * time + seed) > 0)
    mixed = 0.1 * buzz * np.sin(3 * time) + 0.003 * random.standard_normal(len(time))
    return np.asarray(mixed, np.float32)


@pytest.mark.slow
@given(st.lists(st.lists(st.integers(0, 5000), min_size=3, max_size=3), min_size=1, max_size=8))
def test_streams_that_listen_together_decide_what_each_decides_alone(
    rounds: list[list[int]],
) -> None:
    alone, together = ([OnsetDetector() for _ in range(3)] for _ in range(2))
    places = [0, 0, 0]
    for sizes in rounds:
        blocks = [
            voice(seed)[at : at + size]
            for seed, (at, size) in enumerate(zip(places, sizes, strict=True))
        ]
        expected = [one.push(block) for one, block in zip(alone, blocks, strict=True)]
        requests = [Listening(one, block) for one, block in zip(together, blocks, strict=True)]
        assert listen(requests) == [None] * 3
        assert [request.decisions for request in requests] == expected
        places = [at + size for at, size in zip(places, sizes, strict=True)]


def test_the_voices_of_these_tests_are_heard() -> None:
    assert all(any(OnsetDetector().push(voice(seed))) for seed in range(3))


class Detector:
    """Notes who was heard; the first time it may wait for something."""

    hop, window = 160, 320

    def __init__(self, name: str, heard: list[str], wait: threading.Event | None = None) -> None:
        self.name, self.heard, self.wait = name, heard, wait

    def push(self, samples: FloatArray) -> list[bool]:
        if self.wait is not None:
            assert self.wait.wait(PATIENCE_S)
        self.heard.append(self.name)
        if self.name == "broken":
            raise InferenceError("a detector that fails")
        return [True] * (len(samples) // self.hop)


def hears(detector: SpeechDetector, pieces: int) -> Steps:
    """Hear some pieces, and end with as many seconds as the last had decisions."""
    listening = Listening(detector, np.zeros(1600, np.float32))
    for _ in range(pieces):
        yield listening
    return [Ended(float(len(listening.decisions)))]


def ignore(_steps: Steps, _work: Work, _future: Future[list[Event]]) -> None:
    raise AssertionError("nobody asked for a step")


def submit(listener: Listener, steps: Steps) -> Future[list[Event]]:
    future: Future[list[Event]] = Future()
    listener.submit(steps, future)
    return future


def test_who_hears_much_lets_others_in_between() -> None:
    heard: list[str] = []
    go = threading.Event()
    listener = Listener(ignore)
    long = submit(listener, hears(Detector("long", heard, go), 5))
    short = submit(listener, hears(Detector("short", heard), 1))
    go.set()
    assert short.result(PATIENCE_S) == long.result(PATIENCE_S) == [Ended(10.0)]
    assert heard.index("short") < len(heard) - 1
    assert heard.count("long") == 5
    listener.close()


class Deaf(OnsetDetector):
    """Fails when it decides, after it was measured with others."""

    def decide(self, measured: Measured) -> list[bool]:
        raise InferenceError(f"{len(measured.levels)} mel frames are too many")


@pytest.mark.parametrize("broken", [Detector("broken", []), Deaf()])
def test_who_fails_fails_alone(broken: SpeechDetector) -> None:
    go = threading.Event()
    listener = Listener(ignore)
    first = submit(listener, hears(Detector("first", [], go), 1))
    calls = [submit(listener, hears(one, 2)) for one in (OnsetDetector(), broken, OnsetDetector())]
    go.set()
    with pytest.raises(InferenceError):
        calls[1].result(PATIENCE_S)
    assert first.result(PATIENCE_S) == [Ended(10.0)]
    assert calls[0].result(PATIENCE_S) == calls[2].result(PATIENCE_S) == [Ended(10.0)]
    listener.close()


def test_a_fault_of_who_computes_ends_its_call_and_no_thread() -> None:
    def faulty(_steps: Steps, _work: Work, _future: Future[list[Event]]) -> None:
        raise ZeroDivisionError

    def asks() -> Steps:
        yield Work(np.zeros(0, np.float32), 0, LogMelWindows(MelFrames(80)), 0, Last(), None)
        return []

    listener = Listener(faulty)
    with pytest.raises(ZeroDivisionError):
        submit(listener, asks()).result(PATIENCE_S)
    assert submit(listener, hears(OnsetDetector(), 1)).result(PATIENCE_S) == [Ended(9.0)]
    listener.close()


def test_a_callback_may_close() -> None:
    go, closed = threading.Event(), threading.Event()
    listener = Listener(ignore)
    call = submit(listener, hears(Detector("one", [], go), 1))

    def close(_: Future[list[Event]]) -> None:
        listener.close()
        closed.set()

    call.add_done_callback(close)
    go.set()
    assert closed.wait(PATIENCE_S)
    listener.close()


def test_a_session_hears_a_long_block_in_pieces(model: eclectus.Model) -> None:
    heard = []
    for request in model.stream().steps(np.zeros(100_000, np.float32)):
        assert isinstance(request, Listening)
        request.hear()
        heard.append(len(request.samples))
    assert sum(heard) == 100_000
    assert max(heard) <= RATE


def test_who_listens_together_fails_together_and_the_thread_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(*_: object) -> None:
        raise MemoryError

    listener = Listener(ignore)
    with monkeypatch.context() as patch:
        patch.setattr("eclectus.signal.onset.spectra", no_room)
        with pytest.raises(MemoryError):
            submit(listener, hears(OnsetDetector(), 1)).result(PATIENCE_S)
    assert submit(listener, hears(OnsetDetector(), 1)).result(PATIENCE_S) == [Ended(9.0)]
    listener.close()


def test_close_ends_what_waits_and_refuses_more() -> None:
    heard: list[str] = []
    go = threading.Event()
    listener = Listener(ignore)
    calls = [submit(listener, hears(Detector("one", heard, go), 3)) for _ in range(4)]

    def let_go() -> None:
        while not listener._closed:
            threading.Event().wait(0.01)
        go.set()

    threading.Thread(target=let_go).start()
    listener.close()
    listener.close()
    assert [call.result(0) for call in calls] == [[Ended(10.0)]] * 4
    with pytest.raises(StreamClosedError):
        submit(listener, hears(Detector("late", heard), 1))
