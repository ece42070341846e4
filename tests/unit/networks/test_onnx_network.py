"""Wrong, mixed-up, missing and truncated graphs are found once, with path and remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from eclectus.backends.onnx.model import load_onnx
from eclectus.core.choices import Device
from eclectus.core.errors import IncompatibleModelError, ModelError, ModelFilesError
from eclectus.core.options import BackendOptions
from eclectus.networks.onnx_network import OnnxFiles, read_onnx_network
from tests.support import graphs
from tests.support.onnx_models import Sizes, save_ctc, save_fused, save_triple

SIZES = Sizes()


def test_what_the_graphs_say_is_kept(tmp_path: Path) -> None:
    network = read_onnx_network(save_fused(tmp_path))
    assert dict(network.mel_bins) == {"encoder-model.onnx": SIZES.mel_bins}
    assert network.logits == SIZES.outputs
    assert network.states is not None
    assert (network.states.layers, network.states.width) == (SIZES.layers, SIZES.hidden)
    assert read_onnx_network(save_ctc(tmp_path)).states is None


@pytest.mark.parametrize(
    ("arrange", "error", "message"),
    [
        (
            lambda f: OnnxFiles(f.decoder, f.encoder),
            IncompatibleModelError,
            "is no Parakeet encoder: it has no input audio_signal",
        ),
        (
            lambda f: OnnxFiles(f.encoder, f.encoder),
            ModelFilesError,
            "is no predictor with a joint network: it lacks the input targets",
        ),
    ],
)
def test_mixed_up_files_are_told_apart(
    arrange: Callable[[OnnxFiles], OnnxFiles], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        read_onnx_network(arrange(save_fused(tmp_path)))


def test_a_decoder_in_place_of_a_joiner_is_told(tmp_path: Path) -> None:
    files = save_triple(tmp_path)
    with pytest.raises(ModelFilesError, match="is no joint network: it lacks the input enc"):
        read_onnx_network(OnnxFiles(files.encoder, files.decoder, files.decoder))


def test_an_encoder_of_another_width_than_the_joint_is_refused(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    mixed = OnnxFiles(save_fused(other, Sizes(width=14)).encoder, files.decoder)
    with pytest.raises(ModelFilesError, match="makes 14 values a frame, the second takes 12"):
        read_onnx_network(mixed)


def test_weights_beside_the_graph_must_be_there_and_whole(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    model = onnx.load(files.encoder)
    onnx.save(
        model, files.encoder, save_as_external_data=True, location="w.data", size_threshold=64
    )
    options = BackendOptions(device=Device.CPU, threads=1)
    load_onnx(read_onnx_network(files), SIZES.config(), options).close()

    weights = tmp_path / "w.data"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ModelFilesError, match=r"w\.data is cut off"):
        read_onnx_network(files)
    weights.unlink()
    with pytest.raises(ModelFilesError, match=r"w\.data is missing"):
        read_onnx_network(files)


def test_a_graph_that_the_engine_can_not_run_is_refused(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    model = onnx.load(files.encoder)
    model.graph.node[0].op_type = "Unheard"
    onnx.save(model, files.encoder)
    network = read_onnx_network(files)
    with pytest.raises(ModelError, match=r"encoder-model\.onnx"):
        load_onnx(network, SIZES.config(), BackendOptions(device=Device.CPU, threads=1))


def test_states_of_open_size_are_refused(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    assert files.decoder is not None
    model = onnx.load(files.decoder)
    for port in model.graph.input[3:]:
        port.type.tensor_type.shape.dim[2].dim_param = "h"
    onnx.save(model, files.decoder)
    with pytest.raises(IncompatibleModelError, match="leaves the size of its state"):
        read_onnx_network(files)


def test_a_predictor_without_states_is_refused(tmp_path: Path) -> None:
    files = save_triple(tmp_path)
    assert files.decoder is not None
    files.decoder.write_bytes(graphs.decoder(width=SIZES.hidden, states={}))
    with pytest.raises(IncompatibleModelError, match="has no recurrent states"):
        read_onnx_network(files)


@pytest.mark.parametrize("digits", ["0", "-8", "8.0", "", "9" * 5000])
def test_metadata_that_is_no_number_says_nothing(digits: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(graphs.ctc(outputs=5, metadata={"subsampling_factor": digits}))
    assert dict(read_onnx_network(OnnxFiles(path)).subsampling) == {}
