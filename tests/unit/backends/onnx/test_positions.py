"""An encoder with its positions taken out against the encoder as it was published."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from eclectus.backends.onnx.encoder import Encoder
from eclectus.backends.onnx.onnx_session import Runtime
from eclectus.backends.onnx.positions import MOST_KEPT
from eclectus.core.choices import Device
from eclectus.core.errors import InferenceError
from eclectus.core.types import Features, FloatArray
from eclectus.networks.onnx_network import OnnxFiles
from tests.support.onnx_models import Sizes, encoder, positional_encoder, quantize

SIZES = Sizes()
RUNTIME = Runtime(Device.CPU, Device.CPU, 2)
MEL_FRAMES = [8, 250, 1, 97, 640, 8]


def save(folder: Path, **options: bool) -> Path:
    path = folder / "encoder-model.onnx"
    onnx.save(positional_encoder(SIZES, **options), path)
    return path


def features(mel_frames: int) -> Features:
    random = np.random.default_rng(mel_frames)
    data = random.standard_normal((1, SIZES.mel_bins, mel_frames)).astype(np.float32)
    return Features(data, np.array([mel_frames]))


def published(path: Path, given: Features) -> FloatArray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feeds = {"audio_signal": given.data, "length": given.lengths}
    frames: FloatArray = session.run(["outputs"], feeds)[0].transpose(0, 2, 1)
    return frames


def load(path: Path) -> Encoder:
    return Encoder(path, SIZES.config(), RUNTIME)


@pytest.mark.parametrize("lopsided", [False, True])
def test_frames_are_those_of_the_published_graph(tmp_path: Path, *, lopsided: bool) -> None:
    path = save(tmp_path, lopsided=lopsided)

    encode = load(path)

    assert (encode._positions is None) is lopsided
    for count in MEL_FRAMES:
        wanted = published(path, features(count))
        np.testing.assert_allclose(encode(features(count)).frames, wanted, atol=1e-5)


def test_an_item_longer_than_what_is_kept_is_right_too(tmp_path: Path) -> None:
    path = save(tmp_path)
    given = features(8 * (MOST_KEPT + 1))

    found = load(path)(given)

    np.testing.assert_allclose(found.frames, published(path, given), atol=1e-4)


def test_quantised_frames_do_not_depend_on_what_was_encoded_before(tmp_path: Path) -> None:
    path = quantize(OnnxFiles(save(tmp_path))).encoder
    fresh = {count: load(path)(features(count)).frames for count in MEL_FRAMES}

    encode = load(path)

    assert encode._positions is not None
    for count in MEL_FRAMES:
        np.testing.assert_array_equal(encode(features(count)).frames, fresh[count])


def test_threads_of_different_lengths_share_the_positions(tmp_path: Path) -> None:
    path = save(tmp_path)
    alone = load(path)
    wanted = [alone(features(count)).frames for count in MEL_FRAMES]
    encode = load(path)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda count: encode(features(count)).frames, MEL_FRAMES * 4))

    for mine, theirs in zip(found, wanted * 4, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_encoder_without_positions_runs_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "encoder-model.onnx"
    onnx.save(encoder(SIZES), path)

    assert load(path)._positions is None


def test_a_closed_encoder_says_so(tmp_path: Path) -> None:
    encode = load(save(tmp_path))
    encode.close()

    with pytest.raises(InferenceError, match="closed"):
        encode(features(8))
