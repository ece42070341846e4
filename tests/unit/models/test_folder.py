"""Reading a model folder: what it is, and what is wrong with it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eclectus.core.choices import Precision
from eclectus.core.errors import IncompatibleModelError, ModelFilesError, OptionError
from eclectus.core.model_config import Head
from eclectus.models.folder import NEMO_MAX_WINDOW_S, read_folder, read_reference
from eclectus.models.layout import LayoutKind
from eclectus.models.references import BUILTIN_FOLDER, parse
from tests.support import graphs
from tests.support.graphs import put


def card(**values: object) -> dict[str, bytes]:
    return {"config.json": json.dumps(values).encode()}


def test_the_shipped_model_says_what_it_is() -> None:
    model = read_reference(parse(None), BUILTIN_FOLDER, Precision.AUTO)
    config = model.config
    assert (config.name, config.head, config.mel_bins) == ("eclectus-tiny", Head.TDT, 80)
    assert (config.vocabulary_size, config.durations) == (256, (0, 1, 2, 3, 4))
    assert (config.max_window_s, config.languages) == (20.0, ("en",))
    assert config.builtin
    assert model.precision is Precision.INT8
    assert [path.name for path in model.paths] == [
        "encoder-model.int8.onnx",
        "decoder_joint-model.int8.onnx",
    ]


def test_a_fused_folder_needs_no_card(tmp_path: Path) -> None:
    model = read_folder(put(tmp_path / "mine", graphs.fused_files()))
    assert model.kind is LayoutKind.FUSED
    assert model.config.name == "mine"
    assert model.config.head is Head.TDT
    assert model.config.durations == (0, 1, 2, 3, 4)
    assert model.config.max_window_s == NEMO_MAX_WINDOW_S
    assert model.config.time_base.subsampling == 8
    assert not model.config.builtin
    assert len(model.tokenizer) == 4


def test_a_joint_without_durations_is_rnnt(tmp_path: Path) -> None:
    config = read_folder(put(tmp_path, graphs.fused_files(durations=0))).config
    assert (config.head, config.durations) == (Head.RNNT, ())


def test_a_triple_is_read_from_its_metadata(tmp_path: Path) -> None:
    files = graphs.triple_files()
    facts = {"vocab_size": "4", "feat_dim": "128", "subsampling_factor": "4"}
    files["encoder.onnx"] = graphs.encoder(mel_bins="m", metadata=facts)
    model = read_folder(put(tmp_path, files))
    assert model.kind is LayoutKind.TRIPLE
    assert model.config.mel_bins == 128
    assert model.config.time_base.subsampling == 4
    assert model.network.files.joiner == tmp_path / "joiner.onnx"


@pytest.mark.parametrize("vocabulary", ["vocab.txt", "tokens.txt"])
def test_a_ctc_model_is_read(tmp_path: Path, vocabulary: str) -> None:
    files = {"model.int8.onnx": graphs.ctc(outputs=5), vocabulary: graphs.vocabulary(4)}
    model = read_folder(put(tmp_path, files))
    assert model.config.head is Head.CTC
    assert model.network.files.decoder is None
    assert model.precision is Precision.INT8


def test_the_card_gives_name_durations_and_window(tmp_path: Path) -> None:
    own = card(name="n", languages=["de"], durations=[0, 1, 2, 4, 8], max_window_s=30)
    config = read_folder(put(tmp_path, graphs.fused_files() | own), name="x").config
    assert config.name == "n"
    assert config.languages == ("de",)
    assert config.durations == (0, 1, 2, 4, 8)
    assert config.max_window_s == 30.0


def test_the_catalogue_fills_in_what_the_card_leaves_out(tmp_path: Path) -> None:
    folder = put(tmp_path, graphs.fused_files())
    config = read_reference(parse("parakeet-tdt-0.6b-v2"), folder, Precision.AUTO).config
    assert (config.name, config.languages) == ("parakeet-tdt-0.6b-v2", ("en",))
    assert read_reference(parse("acme/one"), folder, Precision.AUTO).config.name == "acme/one"


def test_an_export_that_leaves_its_width_open_is_believed_its_card(tmp_path: Path) -> None:
    files = graphs.fused_files()
    files["decoder_joint-model.onnx"] = graphs.decoder_joint(outputs="v")
    with pytest.raises(ModelFilesError, match=r"Put a config\.json beside"):
        read_folder(put(tmp_path, files))
    read = read_folder(put(tmp_path, card(model_type="nemo-conformer-tdt")))
    assert read.config.durations == (0, 1, 2, 3, 4)
    read = read_folder(put(tmp_path, card(model_type="nemo-conformer-rnnt")))
    assert (read.config.head, read.config.durations) == (Head.RNNT, ())
    ctc = {"model.onnx": graphs.ctc(outputs="v"), "vocab.txt": graphs.vocabulary()}
    assert read_folder(put(tmp_path / "ctc", ctc)).config.head is Head.CTC


def test_weights_in_a_file_beside_the_graph_are_wanted(tmp_path: Path) -> None:
    files = graphs.fused_files()
    files["encoder-model.onnx"] = graphs.encoder(external="encoder-model.onnx.data")
    with pytest.raises(ModelFilesError, match=r"encoder-model\.onnx\.data is missing"):
        read_folder(put(tmp_path, files))
    put(tmp_path, {"encoder-model.onnx.data": bytes(256)})
    assert read_folder(tmp_path).config.head is Head.TDT


def test_weights_beside_the_graph_that_are_cut_off_are_told(tmp_path: Path) -> None:
    files = graphs.fused_files()
    files["encoder-model.onnx"] = graphs.encoder(external="encoder-model.onnx.data")
    files["encoder-model.onnx.data"] = bytes(100)
    with pytest.raises(ModelFilesError, match=r"encoder-model\.onnx\.data is cut off: it has 100"):
        read_folder(put(tmp_path, files))


@pytest.mark.parametrize("place", ["../secret", "/etc/passwd"])
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, place: str) -> None:
    files = {
        "model.onnx": graphs.ctc(outputs=5, external=place),
        "vocab.txt": graphs.vocabulary(),
    }
    with pytest.raises(ModelFilesError, match="outside"):
        read_folder(put(tmp_path, files))


def test_a_cache_aware_export_is_refused(tmp_path: Path) -> None:
    files = graphs.fused_files()
    files["encoder-model.onnx"] = graphs.graph_bytes(
        {"audio_signal": ("b", 80, "t"), "cache_last_channel": ("b", 17, 70, 16)},
        {"outputs": ("b", 16, "s")},
    )
    with pytest.raises(IncompatibleModelError, match="cache-aware"):
        read_folder(put(tmp_path, files))


def test_another_network_is_refused(tmp_path: Path) -> None:
    other = graphs.graph_bytes({"input_features": ("b", 80, 3000)}, {"logprobs": ("b", "s", 5)})
    files = {"model.onnx": other, "vocab.txt": graphs.vocabulary()}
    with pytest.raises(IncompatibleModelError, match=r"no input audio_signal.*input_features"):
        read_folder(put(tmp_path, files))


def test_features_of_another_kind_are_refused(tmp_path: Path) -> None:
    files = graphs.triple_files()
    files["encoder.onnx"] = graphs.encoder(metadata={"normalize_type": ""})
    with pytest.raises(IncompatibleModelError, match="per_feature"):
        read_folder(put(tmp_path, files))


MIXED: dict[str, tuple[dict[str, bytes], str]] = {
    "vocabulary of another model": (
        {"vocab.txt": graphs.vocabulary(20)},
        r"vocab\.txt has 20 pieces .*different models",
    ),
    "decoder of another model": (
        {"decoder_joint-model.onnx": graphs.decoder_joint(outputs=10, width=32)},
        r"of different models: the first makes 16 values a frame, the second takes 32",
    ),
    "card of another head": (
        card(model_type="nemo-conformer-rnnt"),
        r'"model_type" says rnnt, but .* the head tdt',
    ),
    "card of a ctc model": (
        card(model_type="nemo-conformer-ctc"),
        r'"model_type" says ctc, but .* the head tdt',
    ),
    "card with other features": (
        card(features_size=128),
        r"mel bins is unclear \(config\.json \(\"features_size\"\) says 128, enc.* says 80\)",
    ),
    "card with other durations": (
        card(durations=[0, 1]),
        r"\"durations\" lists 2 durations, but .* has 5",
    ),
    "durations for a network without any": (
        {
            "decoder_joint-model.onnx": graphs.decoder_joint(outputs=5),
            **card(durations=[0, 1, 2, 3, 4]),
        },
        r"\"durations\" lists 5 durations, but .* has 0",
    ),
    "vocabulary that lacks many pieces": (
        {"decoder_joint-model.onnx": graphs.decoder_joint(outputs=200)},
        r"vocab\.txt has 4 pieces .* has 200 outputs",
    ),
    "card with another subsampling": (
        {
            "encoder-model.onnx": graphs.encoder(metadata={"subsampling_factor": "8"}),
            **card(subsampling_factor=4),
        },
        r"unclear \(config\.json \(\"subsampling_factor\"\) says 4, .* says 8\)",
    ),
    "encoder with open features": (
        {"encoder-model.onnx": graphs.encoder(mel_bins="m")},
        "does not say how many mel bins it takes",
    ),
}


@pytest.mark.parametrize("case", MIXED)
def test_files_of_different_models_are_told(tmp_path: Path, case: str) -> None:
    wrong, told = MIXED[case]
    with pytest.raises(ModelFilesError, match=told) as caught:
        read_folder(put(tmp_path, graphs.fused_files() | wrong))
    assert str(tmp_path) in str(caught.value.context["path"])


def test_a_joiner_of_another_model_is_told(tmp_path: Path) -> None:
    files = graphs.triple_files() | {"joiner.onnx": graphs.joiner(outputs=10, predicted=9)}
    with pytest.raises(ModelFilesError, match="makes 8 values a frame, the second takes 9"):
        read_folder(put(tmp_path, files))


def test_metadata_that_contradicts_the_vocabulary_is_told(tmp_path: Path) -> None:
    files = graphs.triple_files() | {"tokens.txt": graphs.vocabulary(3)}
    with pytest.raises(ModelFilesError, match=r"encoder\.onnx's metadata .vocab_size. says 4"):
        read_folder(put(tmp_path, files))


def test_a_precision_that_the_folder_lacks_is_told() -> None:
    with pytest.raises(OptionError, match="has no bf16 files; it has int8"):
        read_folder(BUILTIN_FOLDER, Precision.BF16)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="There is no model folder"):
        read_folder(tmp_path / "none")


def cut(name: str, keep: int) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[:keep])

    return damage


def replace(name: str, content: bytes) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        put(folder, {name: content})

    return damage


def swap(folder: Path) -> None:
    one, other = folder / "encoder-model.int8.onnx", folder / "decoder_joint-model.int8.onnx"
    one.rename(folder / "x")
    other.rename(one)
    (folder / "x").rename(other)


ENCODER, JOINT = "encoder-model.int8.onnx", "decoder_joint-model.int8.onnx"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7425906\n"
DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "encoder cut in the middle": (cut(ENCODER, 3_000_000), ENCODER),
    "encoder cut at its last byte": (cut(ENCODER, -1), ENCODER),
    "encoder cut to a header": (cut(ENCODER, 100), ENCODER),
    "encoder empty": (cut(ENCODER, 0), "is empty"),
    "joint cut": (cut(JOINT, 200_000), JOINT),
    "joint missing": (lambda folder: (folder / JOINT).unlink(), "is missing"),
    "encoder is a pointer": (replace(ENCODER, POINTER), "Git LFS pointer"),
    "joint is a web page": (replace(JOINT, b"<!doctype html><html></html>"), "web page"),
    "encoder is noise": (replace(ENCODER, bytes(range(256)) * 99), ENCODER),
    "encoder and joint swapped": (swap, "no input audio_signal"),
    "vocabulary missing": (lambda folder: (folder / "vocab.txt").unlink(), "vocab.txt is missing"),
    "vocabulary cut": (cut("vocab.txt", 900), "vocab.txt"),
    "vocabulary is a web page": (replace("vocab.txt", b"<html>"), "web page"),
    "card cut": (cut("config.json", 30), "config.json can't be used"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_copy_of_the_shipped_model_is_told_with_its_path(
    tmp_path: Path, case: str
) -> None:
    damage, told = DAMAGE[case]
    folder = tmp_path / "copy"
    shutil.copytree(BUILTIN_FOLDER, folder)
    assert read_folder(folder).config.vocabulary_size == 256
    damage(folder)
    with pytest.raises((ModelFilesError, IncompatibleModelError)) as caught:
        read_folder(folder)
    assert told in str(caught.value)
    assert str(folder) in str(caught.value)
