"""The outside of an ONNX file is read, and what is no such file is named with its path."""

from __future__ import annotations

import contextlib
from pathlib import Path

import onnx
import pytest

from eclectus.core.errors import ModelFilesError
from eclectus.networks.graph_facts import describe
from tests.support import graphs
from tests.support.onnx_models import save_fused


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\x", "C:\\x", "a/../../b"])
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(graphs.encoder(external=name))
    with pytest.raises(ModelFilesError, match="outside of the model's folder"):
        describe(path)


def test_a_description_has_shapes_in_order(tmp_path: Path) -> None:
    facts = describe(save_fused(tmp_path).encoder)

    assert list(facts.inputs.items()) == [("audio_signal", ("b", 8, "t")), ("length", ("b",))]
    assert facts.outputs["outputs"] == ("b", 12, "s")
    assert facts.metadata == {}
    assert facts.external_bytes == {}


def test_a_description_has_metadata_and_the_length_of_files_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(graphs.encoder(metadata={"vocab_size": "7"}, external="weights.bin"))

    facts = describe(path)

    assert facts.metadata == {"vocab_size": "7"}
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
