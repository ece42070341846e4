"""Windows through the model and back to their sources."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

import eclectus
from eclectus.api import Model
from eclectus.core.errors import AudioNotFoundError
from eclectus.core.options import BatchOptions, LongFormOptions, TranscribeOptions
from eclectus.core.types import Audio, FloatArray
from eclectus.recognition.pending import Entry
from tests.support.clips import samples

SHORT = TranscribeOptions(long_form=LongFormOptions(window_s=4.0, overlap_s=1.0))


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with eclectus.load(threads=1) as one:
        yield one


@pytest.fixture(scope="module")
def speech() -> FloatArray:
    return np.concatenate([samples("garden"), samples("temper")])


@pytest.mark.parametrize("size", [1, 3])
def test_windows_of_two_sources_in_turns_give_what_each_source_gives_alone(
    model: Model, speech: FloatArray, size: int
) -> None:
    sources = [Audio(speech, 16_000), Audio(speech[::-1].copy(), 16_000, start=5.0)]
    alone = [model.transcribe(source, options=SHORT) for source in sources]
    windowed = [model.windowed(source, options=SHORT) for source in sources]
    turns = zip(*(one.windows() for one in windowed), strict=True)
    entries = [entry for turn in turns for entry in turn if entry is not None]
    batches = [entries[start : start + size] for start in range(0, len(entries), size)]
    words: list[list[object]] = [[], []]
    for touched in model.driver().run(batches):
        assert len(touched) == len(set(map(id, touched)))
        for place, one in enumerate(windowed):
            if one.pending in touched:
                words[place] += one.take_settled()
    assert [one.transcript() for one in windowed] == alone
    assert words == [list(transcript.words) for transcript in alone]


def test_sources_come_in_order_though_short_ones_are_done_before_long_ones(
    model: Model, speech: FloatArray
) -> None:
    lengths = [len(speech), 16_000, 0, 48_000]
    begin = partial(model.windowed, options=SHORT)
    sources = [begin(speech[:length]) for length in lengths] + [begin("nowhere.wav")]
    batch = BatchOptions(size=2)
    done = list(model.driver().run_in_order(sources, batch, 4 * 16_000))
    assert done == sources
    assert [one.pending.samples for one in done[:-1]] == lengths
    with pytest.raises(AudioNotFoundError):
        done[-1].transcript()


def test_closing_the_driver_takes_no_more_windows(model: Model, speech: FloatArray) -> None:
    taken: list[Entry] = []

    def batches() -> Iterator[list[Entry]]:
        while True:
            entry = next(model.windowed(speech, options=SHORT).windows())
            assert entry is not None
            taken.append(entry)
            yield [entry]

    steps = model.driver().run(batches())
    next(steps)
    steps.close()
    assert len(taken) == 2  # one ahead of what was given back
