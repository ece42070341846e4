"""Exported graphs against the PyTorch model."""

from pathlib import Path

import numpy as np
import torch

from recipe.config import ModelConfig
from recipe.evaluate import held_samples
from recipe.export import (
    DECODER,
    ENCODER,
    export_decoder,
    export_encoder,
    largest_difference,
    write_facts,
)
from recipe.features import LogMel
from recipe.model import TdtModel
from recipe.onnx_search import OnnxModel
from recipe.quantize import quantize
from recipe.search import search_tdt
from recipe.tokenizer import FILE_NAME, open_tokenizer

CONFIG = ModelConfig(
    channels=8, width=48, layers=2, heads=2, predictor=32, joint=32, vocabulary=24, phones=8
)


def _export(data: Path, out: Path) -> TdtModel:
    torch.manual_seed(3)
    model = TdtModel(CONFIG).eval()
    torch.nn.init.normal_(model.joint.joint_net[2].weight, std=0.5)
    out.mkdir()
    export_encoder(model, out / ENCODER)
    export_decoder(model, out / DECODER)
    write_facts(model, data / FILE_NAME, out)
    return model


def test_graphs_find_the_same_text_as_the_model(data: Path, tmp_path: Path) -> None:
    """The whole chain from samples to text, on a model that emits something."""
    model = _export(data, tmp_path / "onnx")
    assert largest_difference(model, tmp_path / "onnx") < 1e-4
    graphs = OnnxModel(tmp_path / "onnx")
    tokenizer = open_tokenizer(data / FILE_NAME)
    logmel = LogMel(CONFIG.mel_bins)
    for wave in held_samples(data, 4)["chords"].waves:
        audio = torch.from_numpy(wave)[None]
        with torch.no_grad():
            encoded, counts = model.encoder(*logmel(audio, torch.tensor([len(wave)])))
        tokens = search_tdt(model, encoded[0], int(counts[0]))
        assert tokens
        assert tokens == graphs.search(encoded.transpose(1, 2).numpy(), int(counts[0]))
        assert graphs.recognize(wave) == tokenizer.decode(tokens).strip()


def test_the_int8_encoder_stays_close(data: Path, tmp_path: Path) -> None:
    """Quantised graphs load, are smaller, and differ a little."""
    folder = tmp_path / "onnx"
    _export(data, folder)
    for name in (ENCODER, DECODER):
        quantize(folder / name, folder / name.replace(".onnx", ".int8.onnx"))
    features = np.random.default_rng(0).standard_normal((1, 80, 200), dtype=np.float32)
    inputs = {"audio_signal": features, "length": np.array([200])}
    whole = OnnxModel(folder).encoder.run(None, inputs)[0]
    small = OnnxModel(folder, int8=True).encoder.run(None, inputs)[0]
    error = np.sqrt(np.square(whole - small).mean() / np.square(whole).mean())
    assert 0 < error < 0.1
