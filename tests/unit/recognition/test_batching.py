"""Recognising batches of windows."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from eclectus.core.errors import InferenceError, OutOfMemoryError
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import BatchOptions, GreedySearch
from eclectus.core.types import EncoderOutput, Features, FloatArray, Hypothesis, Window
from eclectus.recognition.batching import BatchRunner, Result
from eclectus.recognition.pending import Entry, Pending, Place, group
from eclectus.recognition.stitch import Stitcher
from eclectus.search.transducer import TransducerSearch
from eclectus.signal.logmel import LogMel
from tests.support.toy_transducer import ToyModel, ToyTransducer, toy_config

RATE = 16_000
CONFIG = toy_config(durations=(0, 1, 2))


@dataclass
class SmallDevice:
    """A toy model on a device that holds few windows, one of which breaks it."""

    model: ToyModel = field(default_factory=lambda: ToyModel(CONFIG))
    room: int = 100
    poison: int | None = None
    batches: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @property
    def transducer(self) -> ToyTransducer | None:
        return self.model.transducer

    def encode(self, features: Features) -> EncoderOutput:
        self.batches.append(len(features.lengths))
        self.threads.add(threading.current_thread().name)
        if len(features.lengths) > self.room:
            raise OutOfMemoryError("too much")
        if self.poison is not None and self.poison in features.lengths:
            raise InferenceError("broken")
        return self.model.encode(features)

    def close(self) -> None:
        self.model.close()


@dataclass
class FragileSearch:
    """A search whose engine fails on batches, and always on items of one length."""

    search: TransducerSearch
    poison: int

    def __call__(self, encoded: EncoderOutput) -> list[Hypothesis]:
        if len(encoded.lengths) > 1 or self.poison in encoded.lengths:
            raise InferenceError("broken")
        return self.search(encoded)


def toy_search(model: SmallDevice) -> TransducerSearch:
    step = model.transducer
    assert step is not None
    return TransducerSearch(step, model.config, GreedySearch())


def runner(model: SmallDevice) -> BatchRunner:
    return BatchRunner(model, toy_search(model), LogMel(80))


def noise(lengths: Sequence[int]) -> list[FloatArray]:
    rng = np.random.default_rng(3)
    return [rng.normal(0, 0.1, length).astype(np.float32) for length in lengths]


def entries(windows: Sequence[FloatArray]) -> list[Entry]:
    source = Pending("toy", 0, Stitcher(lambda _: True))
    return [
        Entry(Place(source, number, Window(0, len(window), 0, len(window)), False), window)
        for number, window in enumerate(windows)
    ]


def run(device: SmallDevice, windows: Sequence[FloatArray], size: int = 16) -> dict[int, Result]:
    waiting = entries(windows)
    groups = group([len(window) for window in windows], BatchOptions(size=size), RATE)
    found = runner(device).run([waiting[row] for row in rows] for rows in groups)
    return {place.number: result for batch in found for place, result in batch}


def tokens(results: Mapping[int, object]) -> dict[int, list[int]]:
    found = {}
    for position, result in results.items():
        assert isinstance(result, Hypothesis)
        found[position] = result.token_ids.tolist()
    return found


LENGTHS = [RATE, 2 * RATE, 8000, 159, 0, 3 * RATE, RATE + 5]


@pytest.mark.parametrize("size", [1, 4, 16])
def test_a_batch_equals_one_by_one(size: int) -> None:
    windows = noise(LENGTHS)
    alone = {i: run(SmallDevice(), [window])[0] for i, window in enumerate(windows)}
    together = run(SmallDevice(), windows, size)
    assert tokens(together) == tokens(alone)
    assert sum(len(ids) for ids in tokens(together).values()) > 10


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    device = SmallDevice(room=2)
    results = run(device, noise(LENGTHS))
    assert tokens(results) == tokens(run(SmallDevice(), noise(LENGTHS)))
    assert max(device.batches) == 5
    assert min(device.batches) == 1


def test_what_did_not_fit_once_is_not_tried_again() -> None:
    device = SmallDevice(room=2)
    results = run(device, noise([RATE] * 16), size=4)
    assert len(results) == 16
    assert device.batches == [4] + [2] * 8


def test_a_window_that_fits_nowhere_is_an_error_of_its_own() -> None:
    assert isinstance(run(SmallDevice(room=0), noise([RATE]))[0], OutOfMemoryError)


def test_a_window_that_breaks_the_engine_fails_alone() -> None:
    results = run(SmallDevice(poison=200), noise(LENGTHS))
    failed = [i for i, result in results.items() if isinstance(result, InferenceError)]
    assert failed == [1]


def test_a_window_that_breaks_the_search_fails_alone() -> None:
    device = SmallDevice()
    search = FragileSearch(toy_search(device), poison=25)
    windows = noise(LENGTHS)
    found = BatchRunner(device, search, LogMel(80)).run([entries(windows)])
    results = {place.number: result for batch in found for place, result in batch}
    assert isinstance(results.pop(1), InferenceError)
    expected = tokens(run(SmallDevice(), windows))
    assert tokens(results) == {i: ids for i, ids in expected.items() if i != 1}


def test_results_come_one_batch_behind_the_reading_and_in_order() -> None:
    read: list[int] = []

    def reading() -> Iterator[list[Entry]]:
        for number, entry in enumerate(entries(noise([RATE] * 4))):
            read.append(number)
            yield [entry]

    results = runner(SmallDevice()).run(reading())
    seen = [(batch[0][0].number, len(read)) for batch in results]
    assert seen == [(0, 2), (1, 3), (2, 4), (3, 4)]


def test_an_empty_batch_comes_back_at_once() -> None:
    waiting = entries(noise([RATE]))
    assert [len(batch) for batch in runner(SmallDevice()).run([[], waiting, []])] == [0, 0, 1]


def test_closing_early_ends_the_thread_of_the_encoder() -> None:
    device = SmallDevice()
    results = runner(device).run([entry] for entry in entries(noise([RATE] * 5)))
    next(results)
    results.close()
    assert len(device.batches) <= 3
    alive = {thread.name for thread in threading.enumerate()}
    assert device.threads
    assert not device.threads & alive
