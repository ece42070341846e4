"""Which model a listing holds."""

import pytest

from eclectus.core.choices import Precision
from eclectus.core.errors import IncompatibleModelError, ModelFilesError, OptionError
from eclectus.core.model_config import Head
from eclectus.models.layout import LayoutKind, find_layouts, select

FUSED = ["config.json", "encoder-model.onnx", "decoder_joint-model.onnx", "vocab.txt"]
FUSED_INT8 = ["encoder-model.int8.onnx", "decoder_joint-model.int8.onnx"]
TRIPLE = ["encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"]
CTC = ["model.onnx", "vocab.txt"]


def chosen(names: list[str], precision: Precision = Precision.AUTO) -> tuple[str, ...]:
    return select(names, precision, where="here").graphs


@pytest.mark.parametrize(
    ("names", "kind"),
    [(FUSED, LayoutKind.FUSED), (TRIPLE, LayoutKind.TRIPLE), (CTC, LayoutKind.CTC)],
)
def test_each_published_layout_is_known(names: list[str], kind: LayoutKind) -> None:
    selection = select([*names, "README.md", "nemo128.onnx"], Precision.AUTO, where="here")
    assert selection.kind is kind
    assert selection.precision is Precision.FP32


def test_auto_takes_full_precision_where_it_is_whole() -> None:
    assert chosen([*FUSED, *FUSED_INT8])[0] == "encoder-model.onnx"


def test_auto_takes_what_is_there() -> None:
    names = ["vocab.txt", *FUSED_INT8]
    assert select(names, Precision.AUTO, where="here").precision is Precision.INT8


def test_auto_prefers_a_whole_precision_to_half_of_a_better_one() -> None:
    names = ["vocab.txt", "encoder-model.onnx", *FUSED_INT8]
    assert chosen(names) == tuple(FUSED_INT8)


def test_a_wanted_precision_is_taken() -> None:
    assert chosen([*FUSED, *FUSED_INT8], Precision.INT8) == tuple(FUSED_INT8)


def test_small_networks_may_stay_in_full_precision() -> None:
    names = [*TRIPLE, "encoder.int8.onnx", "joiner.int8.onnx"]
    expected = ("encoder.int8.onnx", "decoder.onnx", "joiner.int8.onnx")
    assert chosen(names, Precision.INT8) == expected


def test_a_small_network_in_int8_is_no_stand_in_for_full_precision() -> None:
    names = ["vocab.txt", "encoder-model.onnx", "decoder_joint-model.int8.onnx"]
    with pytest.raises(ModelFilesError, match=r"decoder_joint-model\.onnx is missing"):
        chosen(names)


def test_a_precision_that_is_not_there_names_what_is() -> None:
    with pytest.raises(OptionError, match="has no bf16 files; it has fp32, int8") as caught:
        chosen([*FUSED, *FUSED_INT8], Precision.BF16)
    assert caught.value.context["available"] == ["fp32", "int8"]


def test_bf16_is_taken_where_it_exists() -> None:
    names = ["vocab.txt", "model.onnx", "model.bf16.onnx"]
    assert chosen(names, Precision.BF16) == ("model.bf16.onnx",)


def test_names_with_a_training_epoch_are_known() -> None:
    names = [f"{part}-epoch-99-avg-1.int8.onnx" for part in ("encoder", "decoder", "joiner")]
    assert chosen([*names, "tokens.txt"]) == tuple(names)


def test_two_epochs_side_by_side_are_ambiguous() -> None:
    names = [*TRIPLE, "encoder-epoch-99-avg-1.onnx"]
    with pytest.raises(ModelFilesError, match=r"Both encoder.* and encoder.* keep one"):
        chosen(names)


def test_two_layouts_are_ambiguous_and_both_are_named() -> None:
    with pytest.raises(ModelFilesError, match=r"more than one model \(fused: .*ctc: model\.onnx"):
        chosen([*FUSED, *CTC])


@pytest.mark.parametrize(
    ("head", "kind"), [(Head.CTC, LayoutKind.CTC), (Head.TDT, LayoutKind.FUSED)]
)
def test_the_card_decides_between_two_layouts(head: Head, kind: LayoutKind) -> None:
    selection = select([*FUSED, *CTC], Precision.AUTO, where="here", head=head)
    assert selection.kind is kind


def test_two_transducers_stay_ambiguous_whatever_the_card_says() -> None:
    with pytest.raises(ModelFilesError, match="more than one model"):
        select([*FUSED, *TRIPLE], Precision.AUTO, where="here", head=Head.TDT)


def test_a_stray_part_of_another_layout_does_not_disturb() -> None:
    assert chosen([*FUSED, "joiner.onnx"])[0] == "encoder-model.onnx"


def test_stray_parts_of_two_layouts_are_told_as_the_more_complete_one() -> None:
    with pytest.raises(ModelFilesError, match=r"joiner\.onnx is missing"):
        chosen(["encoder.onnx", "decoder.onnx", "encoder-model.onnx", "tokens.txt"])


@pytest.mark.parametrize("missing", ["encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt"])
def test_each_missing_file_is_named_with_a_remedy(missing: str) -> None:
    names = [name for name in TRIPLE if name != missing]
    with pytest.raises(ModelFilesError, match=f"{missing} is missing.*models pull"):
        chosen(names)


def test_either_vocabulary_will_do() -> None:
    assert select(["model.onnx", "tokens.txt"], Precision.AUTO, where="x").vocabulary == (
        "tokens.txt"
    )
    assert select([*TRIPLE, "vocab.txt"], Precision.AUTO, where="x").vocabulary == "tokens.txt"


def test_a_folder_of_a_nemo_archive_points_at_conversion() -> None:
    with pytest.raises(IncompatibleModelError, match="models convert"):
        chosen(["parakeet.nemo", "README.md"])


def test_weights_of_another_engine_are_named() -> None:
    with pytest.raises(IncompatibleModelError, match=r"model\.safetensors"):
        chosen(["config.json", "model.safetensors"])


@pytest.mark.parametrize(("names", "shown"), [([], "nothing"), (["a.txt"], r"a\.txt")])
def test_a_folder_without_a_model_says_what_was_found(names: list[str], shown: str) -> None:
    with pytest.raises(ModelFilesError, match=f"found {shown}"):
        chosen(names)


def test_foreign_graphs_are_no_layout() -> None:
    assert find_layouts(["silero_vad.onnx", "model_q4.onnx", "my-encoder.onnx"]) == ()
