"""Wrong, mixed-up, missing and truncated files are found at load, with path and remedy."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from eclectus.backends.onnx.describe import describe
from eclectus.backends.onnx.files import OnnxFiles
from eclectus.backends.onnx.model import load_onnx
from eclectus.core.choices import Device
from eclectus.core.errors import IncompatibleModelError, ModelError, ModelFilesError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.options import BackendOptions
from tests.support import graphs
from tests.support.onnx_models import RNNT, Sizes, save_ctc, save_fused, save_triple

SIZES = Sizes()
CONFIG = SIZES.config()
OPTIONS = BackendOptions(device=Device.CPU, threads=1)


def load(files: OnnxFiles, config: ModelConfig = CONFIG) -> None:
    load_onnx(files, config, OPTIONS).close()


def test_a_description_has_shapes_in_order(tmp_path: Path) -> None:
    facts = describe(save_fused(tmp_path).encoder)

    assert list(facts.inputs.items()) == [("audio_signal", ("b", 8, "t")), ("length", ("b",))]
    assert facts.outputs["outputs"] == ("b", 12, "s")
    assert facts.metadata == {}
    assert facts.external_files == ()


def test_a_description_has_metadata_and_the_length_of_files_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(graphs.encoder(metadata={"vocab_size": "7"}, external="weights.bin"))

    facts = describe(path)

    assert facts.metadata == {"vocab_size": "7"}
    assert facts.external_files == ("weights.bin",)
    assert facts.external_bytes == {"weights.bin": 256}


def test_a_dimension_without_a_name_is_none_and_a_negative_one_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "free.onnx"
    path.write_bytes(graphs.graph_bytes({"x": (-1, 2)}, {"y": ("a",)}))
    model = onnx.load(path)
    model.graph.output[0].type.tensor_type.shape.dim[0].Clear()
    onnx.save(model, path)

    facts = describe(path)

    assert facts.inputs == {"x": (-1, 2)}
    assert facts.outputs == {"y": (None,)}


def test_a_file_cut_anywhere_is_a_model_files_error(tmp_path: Path) -> None:
    whole = save_fused(tmp_path).encoder.read_bytes()
    path = tmp_path / "cut.onnx"
    described = 0
    for size in range(0, len(whole), 23):
        path.write_bytes(whole[:size])
        with contextlib.suppress(ModelFilesError):
            describe(path)
            described += 1
    assert described <= 2  # cut between two fields behind the graph


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n" + bytes(100), b"<html>404</html>", b"\xff" * 64, b"\x08\x08"],
)
def test_what_is_not_onnx_is_named_with_its_path(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "encoder-model.onnx"
    path.write_bytes(content)

    with pytest.raises(ModelFilesError, match=r"encoder-model\.onnx") as caught:
        describe(path)
    assert caught.value.context["path"] == str(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.onnx", tmp_path):
        with pytest.raises(ModelFilesError, match="can't be read"):
            describe(path)


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda f: OnnxFiles(f.decoder, f.encoder), "is no encoder: it lacks .*audio_signal"),
        (lambda f: OnnxFiles(f.encoder, f.encoder), "is no predictor: it lacks the input targets"),
        (lambda f: OnnxFiles(f.encoder), "no decoder file beside it"),
    ],
)
def test_mixed_up_files_are_told_apart(
    arrange: Callable[[OnnxFiles], OnnxFiles], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFilesError, match=message):
        load(arrange(save_fused(tmp_path)))


def test_a_decoder_in_place_of_a_joiner_is_told(tmp_path: Path) -> None:
    files = save_triple(tmp_path)

    with pytest.raises(ModelFilesError, match="is no joint network: it lacks the input enc"):
        load(OnnxFiles(files.encoder, files.decoder, files.decoder))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mel_bins": 80}, "has 8 mel bins where 80"),
        ({"vocabulary_size": 30}, "has 26 logits .* where 36"),
        ({"durations": ()}, "has 26 logits .* where 21"),
    ],
)
def test_a_configuration_of_another_model_is_refused(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(IncompatibleModelError, match=message):
        load(save_fused(tmp_path), replace(CONFIG, **change))  # type: ignore[arg-type]  # by name


def test_a_ctc_head_of_another_size_is_refused(tmp_path: Path) -> None:
    config = replace(RNNT.config(Head.CTC), vocabulary_size=9)

    with pytest.raises(IncompatibleModelError, match="has 21 log-probabilities where 10"):
        load(save_ctc(tmp_path), config)


def test_an_encoder_of_another_width_than_the_joint_is_refused(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    mixed = OnnxFiles(save_fused(other, Sizes(width=14)).encoder, files.decoder)

    with pytest.raises(IncompatibleModelError, match=r"has 12 values a frame .* where 14"):
        load(mixed)


def test_weights_beside_the_graph_must_be_there_and_whole(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    model = onnx.load(files.encoder)
    onnx.save(
        model, files.encoder, save_as_external_data=True, location="w.data", size_threshold=64
    )
    load(files)

    weights = tmp_path / "w.data"
    weights.write_bytes(weights.read_bytes()[:-9])
    with pytest.raises(ModelFilesError, match=r"w\.data is truncated"):
        load(files)
    weights.unlink()
    with pytest.raises(ModelFilesError, match=r"w\.data is missing"):
        load(files)


def test_a_graph_that_the_engine_can_not_run_is_refused(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    model = onnx.load(files.encoder)
    model.graph.node[0].op_type = "Unheard"
    onnx.save(model, files.encoder)

    with pytest.raises(ModelError, match=r"encoder-model\.onnx"):
        load(files)


def test_states_of_open_size_are_refused(tmp_path: Path) -> None:
    files = save_fused(tmp_path)
    assert files.decoder is not None
    model = onnx.load(files.decoder)
    for port in model.graph.input[3:]:
        port.type.tensor_type.shape.dim[2].dim_param = "h"
    onnx.save(model, files.decoder)

    with pytest.raises(IncompatibleModelError, match="leaves the size of its state"):
        load(files)


def test_a_predictor_without_states_is_refused(tmp_path: Path) -> None:
    files = save_triple(tmp_path)
    assert files.decoder is not None
    files.decoder.write_bytes(graphs.decoder(width=SIZES.hidden))

    with pytest.raises(IncompatibleModelError, match="has no recurrent states"):
        load(files)
