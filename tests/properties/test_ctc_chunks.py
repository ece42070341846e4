"""A CTC search finds the same for any division of a stream into chunks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import EncoderOutput, FloatArray, Hypothesis
from eclectus.search.ctc import CtcSearch

VOCABULARY = 4
CONFIG = ModelConfig(name="toy", head=Head.CTC, vocabulary_size=VOCABULARY, mel_bins=80)


def log_probs(seed: int, streams: int, frames: int) -> FloatArray:
    """Few labels and long runs: each frame mostly repeats the one before."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(streams, frames, VOCABULARY + 1)) * 2
    logits[..., -1] += 0.5
    for frame in range(1, frames):
        stays = rng.random(streams) < 0.5
        logits[stays, frame] = logits[stays, frame - 1] + rng.normal(size=VOCABULARY + 1) * 0.01
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True), np.float32)


def assert_same(mine: Hypothesis, theirs: Hypothesis) -> None:
    for name in ("token_ids", "frames", "durations", "log_probs", "entropies"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), name)
    np.testing.assert_allclose(mine.score, theirs.score, rtol=1e-6)


@given(
    st.integers(0, 1000),
    st.integers(1, 3),
    st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_chunks_of_any_lengths_find_what_the_whole_finds(
    seed: int, streams: int, chunks: list[int]
) -> None:
    search = CtcSearch(CONFIG)
    whole = log_probs(seed, streams, sum(chunks))
    state = search.start(streams)
    parts: list[list[Hypothesis]] = [[] for _ in range(streams)]
    at = 0
    for length in chunks:
        chunk = EncoderOutput(whole[:, at : at + length], np.full(streams, length))
        found, state = search.advance(chunk, state)
        at += length
        for part, one in zip(parts, found, strict=True):
            part.append(one)
    rows = [search.row(state, row) for row in range(streams)]
    ends = search.end(search.join(rows))
    expected = search(EncoderOutput(whole, np.full(streams, at)))
    for part, end, one in zip(parts, ends, expected, strict=True):
        assert_same(Hypothesis.concat([*part, end]), one)


def test_a_token_is_told_as_soon_as_its_run_is_over() -> None:
    search = CtcSearch(CONFIG)
    labels = [0, 0, 4, 1]
    frames = np.full((1, 4, VOCABULARY + 1), -9.0, np.float32)
    frames[0, np.arange(4), labels] = 0.0
    first, state = search.advance(EncoderOutput(frames[:, :2], np.array([2])), search.start(1))
    assert len(first[0]) == 0
    assert search.end(state)[0].token_ids.tolist() == [0]
    second, state = search.advance(EncoderOutput(frames[:, 2:], np.array([2])), state)
    assert second[0].token_ids.tolist() == [0]
    assert second[0].durations.tolist() == [2]
    assert search.end(state)[0].frames.tolist() == [3]
