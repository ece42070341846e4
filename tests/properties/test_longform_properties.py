"""A recording in many windows has the words of the recording in one."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eclectus.core.choices import WindowPlan
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import BatchOptions, LongFormOptions
from eclectus.core.types import EncoderOutput, Features, FloatArray, Hypothesis
from eclectus.recognition.batching import BatchRunner
from eclectus.recognition.longform import cut_windows, make_plan
from eclectus.recognition.pauses import find_pause
from eclectus.recognition.pending import Entry, Pending, Place, batches
from eclectus.recognition.stitch import Stitcher
from eclectus.search.ctc import CtcSearch
from tests.support.features import raw_features

RATE, FRAME = 16_000, 1280
TONES = (400.0, 700.0, 1100.0, 1700.0, 2600.0)
CONFIG = ModelConfig("tones", Head.CTC, 80, len(TONES))


def tone(index: int, seconds: float) -> FloatArray:
    time = np.arange(int(seconds * RATE)) / RATE
    return (0.2 * np.sin(2 * np.pi * TONES[index] * time)).astype(np.float32)


BINS = [
    int(raw_features(80, tone(index, 0.5)).mean(axis=1).argmax()) for index in range(len(TONES))
]


class ToneModel:
    """Hears which tone sounds; a CTC `AcousticModel` whose every frame sees its own 80 ms."""

    config = CONFIG
    transducer = None

    def encode(self, features: Features) -> EncoderOutput:
        lengths = (features.lengths - 1) // 8 + 1
        levels = features.data[:, BINS, :]
        levels = np.pad(levels, ((0, 0), (0, 0), (0, -levels.shape[2] % 8)), mode="edge")
        count = levels.shape[2] // 8
        pooled = levels.reshape(len(lengths), len(BINS), count, 8).mean(axis=-1)
        blank = np.full((len(lengths), 1, count), -5.0)  # half-way between hiss and a tone, in nats
        scores = np.concatenate([pooled, blank], axis=1).transpose(0, 2, 1)
        scores = scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)
        return EncoderOutput(scores.astype(np.float32), lengths)

    def close(self) -> None:
        """Nothing to release."""


def unnormalised(samples: Sequence[FloatArray]) -> Features:
    """Features without the mean and deviation of the window, which differ from window to window."""
    raws = [raw_features(80, item) for item in samples]
    lengths = np.array([raw.shape[1] for raw in raws], np.int64)
    data = np.full((len(raws), 80, max(1, int(lengths.max(initial=0)))), -20, np.float32)
    for row, raw in zip(data, raws, strict=True):
        row[:, : raw.shape[1]] = raw
    return Features(data, lengths)


def recognise(samples: FloatArray, options: LongFormOptions) -> Hypothesis:
    plan = make_plan(options, CONFIG)
    source = Pending("tones", 0, Stitcher(lambda _: True))
    pieces = cut_windows([samples], plan, FRAME, find_pause)
    entries = (
        Entry(Place(source, number, piece.window, piece.last), piece.samples)
        for number, piece in enumerate(pieces)
    )
    runner = BatchRunner(ToneModel(), CtcSearch(CONFIG), unnormalised)
    for batch in runner.run(batches(entries, BatchOptions(size=3), plan.window, RATE)):
        for place, result in batch:
            source.add(place, result, FRAME)
    assert source.complete
    assert source.samples == len(samples)
    return source.stitcher.finish()


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, len(TONES) - 1), st.floats(0.2, 0.45), st.sampled_from([0.25, 0.4, 1.0])
        ),
        max_size=45,
    ),
    st.sampled_from([(4.0, 1.6), (6.0, 2.0), (7.3, 3.1)]),
    st.sampled_from(list(WindowPlan)),
)
def test_tones_in_many_windows_are_the_tones_in_one(
    spoken: list[tuple[int, float, float]], lengths: tuple[float, float], plan: WindowPlan
) -> None:
    hiss = np.random.default_rng(5).normal(0, 1e-3, 45 * 2 * RATE).astype(np.float32)
    parts = [np.zeros(RATE // 4, np.float32)]
    for index, seconds, gap in spoken:
        parts += [tone(index, seconds), np.zeros(int(gap * RATE), np.float32)]
    samples = np.concatenate(parts)
    samples += hiss[: len(samples)]
    one = recognise(samples, LongFormOptions(window_s=200.0))
    many = recognise(samples, LongFormOptions(window_s=lengths[0], overlap_s=lengths[1], plan=plan))
    assert one.token_ids.tolist() == [index for index, _, _ in spoken]
    assert many.token_ids.tolist() == one.token_ids.tolist()
    assert np.abs(many.frames - one.frames).max(initial=0) <= 1
