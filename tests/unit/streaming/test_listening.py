"""Many streams listen for speech in one thread."""

import threading
from collections.abc import Sequence
from concurrent.futures import Future

import numpy as np
import pytest

import eclectus
from eclectus.core.errors import InferenceError, StreamClosedError
from eclectus.core.protocols import SpeechDetector
from eclectus.core.types import FloatArray
from eclectus.signal.logmel_windows import LogMelWindows
from eclectus.signal.melframes import MelFrames
from eclectus.signal.vad import EnergyDetector
from eclectus.streaming.engine import Work
from eclectus.streaming.events import Ended, Event
from eclectus.streaming.listening import ListeningThread, listen
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


class Network:
    """Computes for its streams together, and notes how many came at once."""

    def __init__(self, *, works: bool = True) -> None:
        self.works, self.rows = works, list[int]()

    def hear(
        self, detectors: Sequence[SpeechDetector], blocks: Sequence[FloatArray]
    ) -> list[list[bool]]:
        self.rows.append(len(detectors))
        if not self.works:
            raise InferenceError("a network that fails")
        return [[True] * (len(block) // 160) for block in blocks]


class Sharing:
    """A stream that a network hears."""

    hop, window = 160, 160

    def __init__(self, network: Network) -> None:
        self.network = network

    def push(self, samples: FloatArray) -> list[bool]:
        return self.network.hear([self], [samples])[0]


def test_streams_of_one_network_are_one_call_and_others_hear_for_themselves() -> None:
    one, other = Network(), Network()
    detectors: list[SpeechDetector] = [
        Sharing(one),
        EnergyDetector(),
        Sharing(other),
        Sharing(one),
    ]
    alone = EnergyDetector()
    sizes = (1600, 3 * RATE, 320, 800)
    requests = [
        Listening(detector, voice(seed)[:size])
        for seed, (detector, size) in enumerate(zip(detectors, sizes, strict=True))
    ]
    assert listen(requests) == [None] * 4
    assert (one.rows, other.rows) == ([2], [1])
    assert [len(request.decisions) for request in requests] == [10, 299, 2, 5]
    assert requests[1].decisions == alone.push(voice(1))
    assert any(requests[1].decisions)


def test_a_network_that_fails_fails_for_its_streams_alone() -> None:
    broken, whole = Network(works=False), Network()
    detectors: list[SpeechDetector] = [
        Sharing(broken),
        Sharing(whole),
        EnergyDetector(),
        Sharing(broken),
    ]
    errors = listen([Listening(one, np.zeros(1600, np.float32)) for one in detectors])
    assert [type(error) for error in errors] == [
        InferenceError,
        type(None),
        type(None),
        InferenceError,
    ]


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


def submit(listener: ListeningThread, steps: Steps) -> Future[list[Event]]:
    future: Future[list[Event]] = Future()
    listener.submit(steps, future)
    return future


def test_who_hears_much_lets_others_in_between() -> None:
    heard: list[str] = []
    go = threading.Event()
    listener = ListeningThread(ignore)
    long = submit(listener, hears(Detector("long", heard, go), 5))
    short = submit(listener, hears(Detector("short", heard), 1))
    go.set()
    assert short.result(PATIENCE_S) == long.result(PATIENCE_S) == [Ended(10.0)]
    assert heard.index("short") < len(heard) - 1
    assert heard.count("long") == 5
    listener.close()


@pytest.mark.parametrize("broken", [Detector("broken", []), Sharing(Network(works=False))])
def test_who_fails_fails_alone(broken: SpeechDetector) -> None:
    go = threading.Event()
    listener = ListeningThread(ignore)
    first = submit(listener, hears(Detector("first", [], go), 1))
    calls = [
        submit(listener, hears(one, 2)) for one in (EnergyDetector(), broken, EnergyDetector())
    ]
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

    listener = ListeningThread(faulty)
    with pytest.raises(ZeroDivisionError):
        submit(listener, asks()).result(PATIENCE_S)
    assert submit(listener, hears(EnergyDetector(), 1)).result(PATIENCE_S) == [Ended(9.0)]
    listener.close()


def test_a_callback_may_close() -> None:
    go, closed = threading.Event(), threading.Event()
    listener = ListeningThread(ignore)
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


def test_close_ends_what_waits_and_refuses_more() -> None:
    heard: list[str] = []
    go = threading.Event()
    listener = ListeningThread(ignore)
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
