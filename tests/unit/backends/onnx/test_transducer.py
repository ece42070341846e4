"""The cut graphs against the graphs that they were cut from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from eclectus.backends.onnx.model import load_onnx
from eclectus.backends.onnx.transducer import CutStep, FusedStep, JoinerStep
from eclectus.core.config import Head
from eclectus.core.options import BackendOptions, Device
from eclectus.core.protocols import TransducerStep
from eclectus.core.types import EncoderOutput, FloatArray
from tests.support.onnx_models import (
    RNNT,
    Sizes,
    decoder_joint,
    joiner,
    quantize,
    save_fused,
    save_triple,
)

SIZES = Sizes()
OPTIONS = BackendOptions(device=Device.CPU, threads=1)
FRAMES = np.random.default_rng(5).standard_normal((4, 6, SIZES.width)).astype(np.float32)
TOKENS = np.array([[20, 3, 3, 0], [1, 2, 3, 4], [9, 20, 9, 9]])


def run_step(step: TransducerStep) -> list[FloatArray]:
    """Three tokens an item; the logits of all frames behind each, and the last states."""
    projected = step.project(EncoderOutput(FRAMES, np.full(4, 6)))
    state = step.initial_state(4)
    found = []
    for tokens in TOKENS:
        predicted, state = step.predict(tokens, state)
        found.append(step.joint(projected, predicted))
    return [*found, *state.arrays]


def run_fused(path: Path, rows: slice = slice(None)) -> list[NDArray[np.float32]]:
    """The same from the published graph, for some of the items."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    frames = np.ascontiguousarray(FRAMES[rows].transpose(0, 2, 1))
    count = len(frames)
    states = [np.zeros((SIZES.layers, count, SIZES.hidden), np.float32)] * 2
    found = []
    for tokens in TOKENS:
        feeds = {
            "encoder_outputs": frames,
            "targets": tokens[rows, None].astype(np.int32),
            "target_length": np.ones(count, np.int32),
            "input_states_1": states[0],
            "input_states_2": states[1],
        }
        logits, _, *states = session.run(None, feeds)
        found.append(logits[:, :, 0])
    return [*found, *states]


def load_step(folder: Path, sizes: Sizes = SIZES) -> TransducerStep:
    head = Head.TDT if sizes.durations else Head.RNNT
    step = load_onnx(save_fused(folder, sizes), sizes.config(head), OPTIONS).transducer
    assert step is not None
    return step


@pytest.mark.parametrize("sizes", [SIZES, RNNT, Sizes(layers=1), Sizes(durations=(0, 1, 2, 4, 8))])
def test_the_parts_give_the_numbers_of_the_fused_graph(sizes: Sizes, tmp_path: Path) -> None:
    if sizes.layers == 1:
        pytest.importorskip("onnx")
    step = load_step(tmp_path, sizes)

    assert isinstance(step, CutStep)
    if sizes.layers == SIZES.layers:
        expected = run_fused(tmp_path / "decoder_joint-model.onnx")
        for found, wanted in zip(run_step(step), expected, strict=True):
            np.testing.assert_allclose(found, wanted, atol=1e-6, rtol=1e-6)
