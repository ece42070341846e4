"""Whole models of every layout in the engine."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest

from eclectus.backends.onnx.encoder import READY
from eclectus.backends.onnx.model import load_onnx
from eclectus.backends.onnx.transducer_steps import CutStep
from eclectus.core.choices import Device
from eclectus.core.errors import InferenceError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import BackendOptions
from eclectus.core.protocols import AcousticModel, TransducerStep
from eclectus.core.types import EncoderOutput, Features, FloatArray, IntArray
from eclectus.networks.onnx_network import OnnxFiles, read_onnx_network
from tests.support.onnx_models import RNNT, Sizes, quantize, save_ctc, save_fused, save_triple

SIZES = Sizes()
OPTIONS = BackendOptions(device=Device.CPU, threads=2)
LENGTHS = np.array([83, 8, 0, 160, 1, 97])

Layout = Callable[[Path], tuple[OnnxFiles, ModelConfig]]

LAYOUTS: dict[str, Layout] = {
    "tdt": lambda folder: (save_fused(folder), SIZES.config()),
    "tdt-int8": lambda folder: (quantize(save_fused(folder)), SIZES.config()),
    "tdt-fp16": lambda folder: (save_fused(folder, half=True), SIZES.config()),
    "rnnt": lambda folder: (save_fused(folder, RNNT), RNNT.config(Head.RNNT)),
    "triple": lambda folder: (save_triple(folder), SIZES.config()),
    "triple-int8": lambda folder: (quantize(save_triple(folder)), SIZES.config()),
    "ctc": lambda folder: (save_ctc(folder), RNNT.config(Head.CTC)),
    "ctc-int8": lambda folder: (quantize(save_ctc(folder)), RNNT.config(Head.CTC)),
}
TRANSDUCERS = [name for name in LAYOUTS if not name.startswith("ctc")]


def load(name: str, folder: Path) -> AcousticModel:
    files, config = LAYOUTS[name](folder)
    return load_onnx(read_onnx_network(files), config, OPTIONS)


def features(lengths: IntArray = LENGTHS, mel_bins: int = SIZES.mel_bins) -> Features:
    data = np.zeros((len(lengths), mel_bins, int(lengths.max(initial=0))), np.float32)
    random = np.random.default_rng(7)
    for row, length in enumerate(lengths):
        data[row, :, :length] = random.standard_normal((mel_bins, length))
    return Features(data, lengths)


def one(batch: Features, row: int) -> Features:
    length = int(batch.lengths[row])
    return Features(batch.data[row : row + 1, :, :length], batch.lengths[row : row + 1])


def step_of(model: AcousticModel) -> TransducerStep:
    assert model.transducer is not None
    return model.transducer


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_item_in_a_batch_is_encoded_as_it_is_alone(name: str, tmp_path: Path) -> None:
    model = load(name, tmp_path)
    batch = features()

    together = model.encode(batch)

    assert together.lengths.tolist() == [11, 1, 0, 20, 1, 13]
    for row in np.flatnonzero(LENGTHS):
        alone = model.encode(one(batch, int(row)))
        count = together.lengths[row]
        assert alone.lengths.tolist() == [count]
        np.testing.assert_array_equal(alone.frames[0], together.frames[row, :count])
        assert not together.frames[row, count:].any()


@pytest.mark.parametrize("lengths", [[], [0], [0, 0]])
def test_items_without_frames_give_no_frames(lengths: list[int], tmp_path: Path) -> None:
    model = load("tdt", tmp_path)

    encoded = model.encode(features(np.array(lengths, np.int64)))

    assert encoded.lengths.tolist() == lengths
    assert encoded.frames.shape[:2] == (len(lengths), 0)


def test_a_ctc_model_gives_log_probabilities_and_has_no_transducer(tmp_path: Path) -> None:
    model = load("ctc", tmp_path)

    encoded = model.encode(features(np.array([50])))

    assert model.transducer is None
    assert encoded.frames.shape == (1, 7, RNNT.pieces + 1)
    np.testing.assert_allclose(np.exp(encoded.frames).sum(axis=-1), 1, rtol=1e-5)


def frames_of(batch: int, count: int) -> EncoderOutput:
    shape = (batch, count, SIZES.width)
    values = np.tanh(np.random.default_rng(3).standard_normal(shape)).astype(np.float32)
    return EncoderOutput(values, np.full(batch, count))


@pytest.mark.parametrize("name", TRANSDUCERS)
def test_a_step_gives_each_item_the_numbers_that_it_has_alone(name: str, tmp_path: Path) -> None:
    step = step_of(load(name, tmp_path))
    encoded = frames_of(5, 4)
    tokens = np.array([0, 20, 7, 7, 3])
    state = step.initial_state(5)
    _, state = step.predict(tokens[::-1], state)
    projected = step.project(encoded)

    predicted, after = step.predict(tokens, state)
    logits = step.joint(projected, predicted)

    for row in range(5):
        index = np.array([row])
        mine = step.project(encoded.take(index))
        alone, mine_after = step.predict(tokens[index], state.take(index))
        # A product of one row may be summed in another order than one of many: 1e-6.
        np.testing.assert_allclose(mine[0], projected[row], atol=1e-5)
        np.testing.assert_allclose(alone[0], predicted[row], atol=1e-5)
        for old, new in zip(mine_after.arrays, after.take(index).arrays, strict=True):
            np.testing.assert_allclose(old, new, atol=1e-6)
        for place in range(4):
            cell = step.joint(mine[:, place : place + 1], alone)
            np.testing.assert_allclose(cell[0, 0], logits[row, place], atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "outputs"), [("tdt", 26), ("rnnt", 21), ("triple", 26)])
def test_a_step_has_the_shapes_of_its_contract(name: str, outputs: int, tmp_path: Path) -> None:
    step = step_of(load(name, tmp_path))
    encoded = frames_of(3, 4)
    state = step.initial_state(3)

    projected = step.project(encoded)
    predicted, after = step.predict(np.array([0, 1, 2]), state)
    logits = step.joint(projected[:, :2], predicted)

    assert isinstance(step, CutStep)
    assert projected.shape == (3, 4, SIZES.joint)
    assert predicted.shape == (3, SIZES.joint)
    assert [array.shape for array in after.arrays] == [(2, 3, 10), (2, 3, 10)]
    assert logits.shape == (3, 2, outputs)
    for array in (projected, predicted, logits, *after.arrays):
        assert array.dtype == np.float32


@pytest.mark.parametrize("name", ["tdt", "tdt-int8", "triple", "ctc-int8"])
def test_eight_threads_share_one_model(name: str, tmp_path: Path) -> None:
    model = load(name, tmp_path)
    batch = features()

    def work(_: int) -> list[FloatArray]:
        encoded = model.encode(batch)
        if model.transducer is None:
            return [encoded.frames]
        step = model.transducer
        predicted, state = step.predict(np.arange(6), step.initial_state(6))
        projected = step.project(encoded)
        return [encoded.frames, *state.arrays, step.joint(projected, predicted)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(work, range(32)))

    for result in results:
        for found, expected in zip(result, work(0), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["tdt", "triple", "ctc"])
def test_a_closed_model_says_so(name: str, tmp_path: Path) -> None:
    model = load(name, tmp_path)
    step = model.transducer
    model.close()
    model.close()

    for lengths in ([16], [16, 24]):
        with pytest.raises(InferenceError, match="closed"):
            model.encode(features(np.array(lengths)))
    if step is not None:
        with pytest.raises(InferenceError, match="closed"):
            step.project(frames_of(1, 1))


def test_features_of_another_width_are_an_inference_error(tmp_path: Path) -> None:
    model = load("tdt", tmp_path)

    with pytest.raises(InferenceError, match=r"encoder-model\.onnx.*audio_signal \(1, 9, 16\)"):
        model.encode(features(np.array([16]), mel_bins=9))


def test_a_graph_that_is_ready_is_run_as_it_is_written(tmp_path: Path) -> None:
    files, config = LAYOUTS["tdt"](tmp_path)
    expected = load_onnx(read_onnx_network(files), config, OPTIONS).encode(features())
    written = onnx.load(str(files.encoder))
    written.metadata_props.add(key=READY, value="true")
    onnx.save(written, str(files.encoder))
    found = load_onnx(read_onnx_network(files), config, OPTIONS).encode(features())
    np.testing.assert_array_equal(found.lengths, expected.lengths)
    np.testing.assert_allclose(found.frames, expected.frames, atol=1e-5)
