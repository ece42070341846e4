"""Encoder outputs, tokens, frames and durations against NeMo's own (made by make_golden.py).

The models are small and random; they exercise what trained ones rarely do: ten emissions at one
frame, a table of durations that is not 0…4, an utterance without a token.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eclectus.api import Model, load
from eclectus.core.options import GreedySearch
from eclectus.core.types import EncoderOutput, Hypothesis
from eclectus.search.choose import make_search
from eclectus.signal.logmel import LogMel
from tests.support.golden_signals import CLIPS, clip

_FIXTURES = Path(__file__).parent / "fixtures"
_MODELS = ["tdt", "tdt-powers", "rnnt", "ctc"]

# Relative to the outputs' norm: fp32 through one layer by another engine. Measured: 2e-6.
_ENCODER_TOLERANCE = 1e-5


@pytest.fixture(scope="module", params=_MODELS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> Model:
    return load(_FIXTURES / name)


@pytest.fixture(scope="module")
def expected(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((_FIXTURES / name / "expected.json").read_text())
    return content


def _encode(model: Model, *clips: str) -> EncoderOutput:
    features = LogMel(model.config.mel_bins)([clip(each) for each in clips])
    return model.acoustic.encode(features)


def _assert_equal(found: Hypothesis, wanted: dict[str, Any]) -> None:
    assert found.token_ids.tolist() == wanted["ids"]
    assert found.frames.tolist() == wanted["frames"]
    if wanted["durations"] is not None:
        assert found.durations.tolist() == wanted["durations"]


@pytest.mark.parametrize("clip_name", list(CLIPS))
def test_the_encoder_s_outputs_equal_nemo_s(name: str, model: Model, clip_name: str) -> None:
    with np.load(_FIXTURES / name / "encoded.npz") as arrays:
        wanted = arrays[clip_name]
    encoded = _encode(model, clip_name)
    assert encoded.lengths.tolist() == [len(wanted)]
    actual = encoded.frames[0, : len(wanted)]
    error = np.linalg.norm(actual - wanted) / np.linalg.norm(wanted)
    assert error < _ENCODER_TOLERANCE


@pytest.mark.parametrize("clip_name", list(CLIPS))
def test_tokens_frames_and_durations_equal_nemo_s(
    model: Model, expected: dict[str, Any], clip_name: str
) -> None:
    search = make_search(model.acoustic, GreedySearch())
    _assert_equal(search(_encode(model, clip_name))[0], expected[clip_name])


def test_a_batch_of_all_lengths_finds_what_each_clip_gives_alone(
    model: Model, expected: dict[str, Any]
) -> None:
    search = make_search(model.acoustic, GreedySearch())
    names = [*CLIPS, *reversed(CLIPS)]
    for found, clip_name in zip(search(_encode(model, *names)), names, strict=True):
        _assert_equal(found, expected[clip_name])


def test_the_fixtures_exercise_the_corners(name: str, expected: dict[str, Any]) -> None:
    frames = [wanted["frames"] for wanted in expected.values()]
    busiest = max(each.count(frame) for each in frames for frame in each)
    if name in ("tdt", "rnnt"):
        assert busiest == GreedySearch().max_symbols
    if name == "tdt":
        assert [] in frames
    if name == "tdt-powers":
        assert 8 in expected["long"]["durations"]


def test_the_search_alone_on_nemo_s_outputs_equals_nemo_s(
    name: str, model: Model, expected: dict[str, Any]
) -> None:
    search = make_search(model.acoustic, GreedySearch())
    with np.load(_FIXTURES / name / "encoded.npz") as arrays:
        for clip_name in CLIPS:
            frames = arrays[clip_name]
            encoded = EncoderOutput(frames[None], np.array([len(frames)]))
            _assert_equal(search(encoded)[0], expected[clip_name])
