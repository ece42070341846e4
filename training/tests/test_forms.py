"""The model in other programs' forms, what compares them, and the card."""

import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from recipe.agree import differing, token_error_rate
from recipe.card import read_results, sizes, write_card
from recipe.config import ModelConfig
from recipe.export import DECODER, ENCODER, export_decoder, export_encoder, write_facts
from recipe.graph import READY
from recipe.model import TdtModel
from recipe.nemo import write_nemo
from recipe.quantize import quantize, round_to_int8
from recipe.sherpa import write_sherpa
from recipe.times import Timed, align, match, summarize, true_words
from recipe.tokenizer import FILE_NAME

CONFIG = ModelConfig(
    channels=8, width=48, layers=2, heads=2, predictor=32, joint=24, vocabulary=24, phones=8
)


@pytest.fixture
def model() -> TdtModel:
    torch.manual_seed(5)
    return TdtModel(CONFIG).eval()


@pytest.fixture
def folder(model: TdtModel, data: Path, tmp_path: Path) -> Path:
    out = tmp_path / "onnx"
    out.mkdir()
    export_encoder(model, out / ENCODER)
    export_decoder(model, out / DECODER)
    write_facts(model, data / FILE_NAME, out)
    for name in (ENCODER, DECODER):
        quantize(out / name, out / name.replace(".onnx", ".int8.onnx"))
    return out


def test_a_nemo_archive_has_the_weights_under_nemos_names(
    model: TdtModel, data: Path, tmp_path: Path
) -> None:
    write_nemo(model, data / FILE_NAME, tmp_path / "m.nemo")
    with tarfile.open(tmp_path / "m.nemo") as archive:
        for member in archive.getmembers():
            # Not `extractall(filter=…)`: Python 3.11.2 has none.
            if (content := archive.extractfile(member)) is not None:
                (tmp_path / member.name).write_bytes(content.read())
    weights = torch.load(tmp_path / "model_weights.ckpt", weights_only=True)
    assert weights["preprocessor.featurizer.fb"].shape == (1, 80, 257)
    assert torch.equal(weights["joint.joint_net.2.weight"], model.joint.joint_net[2].weight)
    assert not [name for name in weights if name.startswith("phones")]
    facts = json.loads((tmp_path / "model_config.yaml").read_text("utf-8"))
    assert facts["joint"]["jointnet"]["joint_hidden"] == CONFIG.joint
    assert facts["tokenizer"]["model_path"] == "nemo:tokenizer.model"
    assert len((tmp_path / "vocab.txt").read_text("utf-8").splitlines()) == CONFIG.vocabulary


def test_sherpas_three_graphs_compute_what_the_two_do(folder: Path, tmp_path: Path) -> None:
    write_sherpa(folder, tmp_path / "sherpa")
    parts = {
        name: onnxruntime.InferenceSession(str(tmp_path / "sherpa" / f"{name}.onnx"))
        for name in ("encoder", "decoder", "joiner")
    }
    random = np.random.default_rng(1)
    state = random.standard_normal((1, 1, CONFIG.predictor), dtype=np.float32)
    tokens = {"targets": np.array([[3]], np.int32), "target_length": np.ones(1, np.int32)}
    tokens |= {"input_states_1": state, "input_states_2": state}
    frames = {"encoder_outputs": random.standard_normal((1, CONFIG.width, 2), dtype=np.float32)}
    given = {port.name for port in parts["decoder"].get_inputs()}
    predicted, *_ = parts["decoder"].run(None, {k: v for k, v in tokens.items() if k in given})
    assert predicted.shape == (1, CONFIG.predictor, 1)
    (found,) = parts["joiner"].run(None, frames | {"decoder_outputs": predicted})
    whole = onnxruntime.InferenceSession(str(folder / DECODER))
    expected = whole.run(["outputs"], frames | tokens)[0]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    facts = parts["encoder"].get_modelmeta().custom_metadata_map
    assert (facts["vocab_size"], facts["pred_hidden"]) == ("24", "32")


def test_graphs_say_that_they_need_no_rewriting(folder: Path) -> None:
    marks = {entry.key for entry in onnx.load(str(folder / ENCODER)).metadata_props}
    assert READY in marks


def test_rounding_to_int8_errs_by_half_a_step_of_each_column_at_most() -> None:
    values = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    values *= np.array([1, 10, 100, 0], np.float32)
    whole, scale = round_to_int8(values, 1)
    assert scale.shape == (1, 4)
    assert (np.abs(whole * scale - values) <= scale / 2 + 1e-6).all()


def test_token_errors_are_counted_by_edits() -> None:
    reference = [[1, 2, 3, 4], [5]]
    assert token_error_rate([[1, 2, 3, 4], [5]], reference) == 0
    assert token_error_rate([[1, 9, 3], [5, 6]], reference) == 60
    assert differing([[1, 2, 3, 4], [6]], reference) == [1]


def test_phones_that_flite_joins_or_reduces_stay_aligned() -> None:
    expected = ["t", "uw", "b", "iy", "l", "ay"]
    heard = ["t", "ax", "b", "iy", "iy", "l", "ay"]
    pairs = align(expected, heard)
    assert (1, 1) in pairs
    assert (4, 5) in pairs
    assert len(pairs) == 6


def test_words_take_the_times_of_their_phones(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"to": ("t", "uw"), "be": ("b", "iy")}
    monkeypatch.setattr("recipe.times.spoken", said.__getitem__)
    phones = [("pau", 0.2), ("t", 0.3), ("ax", 0.4), ("pau", 0.6), ("b", 0.7), ("iy", 0.9)]
    assert true_words("to be", phones) == [Timed("to", 0.2, 0.4), Timed("be", 0.6, 0.9)]
    assert true_words("to be", [("pau", 0.5), ("s", 0.6)]) == []


def test_only_words_that_were_found_are_compared() -> None:
    found = [Timed("The", 0, 1), Timed("old", 1, 2), Timed("house.", 2, 3)]
    truth = [Timed("the", 0.1, 1), Timed("cold", 1, 2), Timed("house", 2, 3.1)]
    assert [(a.word, b.word) for a, b in match(found, truth)] == [
        ("The", "the"),
        ("house.", "house"),
    ]
    assert summarize([-0.1, 0.02, 0.03])["median_ms"] == 30


def test_the_card_has_the_figures_of_graphs_and_results(folder: Path, tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "fp32.json").write_text('{"flite, new voices": 12.5}')
    (results / "int8.json").write_text('{"flite, new voices": 12.75}')
    assert sizes(folder)["joint"] == "24"
    text = write_card(folder, read_results(results), "300", "| none |")
    assert "| flite, new voices | 12.5 | 12.8 |" in text
    assert "2 layers of width 48" in text
    assert "Not measured." in text
    assert "$" not in text


def test_an_engine_that_is_missing_is_left_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from recipe import agree

    monkeypatch.setattr(agree, "HERE", folder)  # there is no package `recipe`, so no engine
    assert agree.ask("eclectus", sys.executable, folder, []) is None
