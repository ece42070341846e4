"""Grouping windows into batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.config import ModelConfig
from eclectus.core.errors import InferenceError, OptionError, OutOfMemoryError
from eclectus.core.options import BatchOptions, GreedySearch
from eclectus.core.types import EncoderOutput, Features, FloatArray, Hypothesis
from eclectus.recognition.batching import BatchRunner, group
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

    @property
    def config(self) -> ModelConfig:
        return self.model.config

    @property
    def transducer(self) -> ToyTransducer | None:
        return self.model.transducer

    def encode(self, features: Features) -> EncoderOutput:
        self.batches.append(len(features.lengths))
        if len(features.lengths) > self.room:
            raise OutOfMemoryError("too much")
        if self.poison is not None and self.poison in features.lengths:
            raise InferenceError("broken")
        return self.model.encode(features)

    def close(self) -> None:
        self.model.close()


def runner(model: SmallDevice, options: BatchOptions | None = None) -> BatchRunner:
    step = model.transducer
    assert step is not None
    search = TransducerSearch(step, model.config, GreedySearch())
    return BatchRunner(model, search, LogMel(80), options or BatchOptions())


def noise(lengths: Sequence[int]) -> list[FloatArray]:
    rng = np.random.default_rng(3)
    return [rng.normal(0, 0.1, length).astype(np.float32) for length in lengths]


@given(st.lists(st.integers(160, 40 * RATE), max_size=60), st.integers(1, 20), st.floats(1, 100))
def test_batches_hold_every_window_once_and_keep_the_limits(
    lengths: list[int], size: int, seconds: float
) -> None:
    batches = group(lengths, BatchOptions(size=size, max_audio_s=seconds), RATE)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) <= size
        assert len(batch) == 1 or longest * len(batch) <= seconds * RATE
    in_order = [lengths[i] for batch in batches for i in batch]
    assert in_order == sorted(in_order, reverse=True)


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
    alone = {i: dict(runner(SmallDevice()).run([w]))[0] for i, w in enumerate(windows)}
    together = dict(runner(SmallDevice(), BatchOptions(size=size)).run(windows))
    assert tokens(together) == tokens(alone)
    emitted = [len(ids) for ids in tokens(together).values()]
    assert sum(emitted) > 10


def test_a_batch_that_does_not_fit_is_halved_until_it_does() -> None:
    device = SmallDevice(room=2)
    results = dict(runner(device).run(noise(LENGTHS)))
    assert tokens(results) == tokens(dict(runner(SmallDevice()).run(noise(LENGTHS))))
    assert max(device.batches) == 5
    assert min(device.batches) == 1


def test_a_window_that_fits_nowhere_is_an_error_of_its_own() -> None:
    results = dict(runner(SmallDevice(room=0)).run(noise([RATE])))
    assert isinstance(results[0], OutOfMemoryError)


def test_a_window_that_breaks_the_engine_fails_alone() -> None:
    results = dict(runner(SmallDevice(poison=200)).run(noise(LENGTHS)))
    failed = [i for i, result in results.items() if isinstance(result, InferenceError)]
    assert failed == [1]


@pytest.mark.parametrize("options", [BatchOptions(size=0), BatchOptions(max_audio_s=0.0)])
def test_a_batch_that_holds_nothing_is_refused(options: BatchOptions) -> None:
    with pytest.raises(OptionError, match="batch"):
        runner(SmallDevice(), options)
