"""Make the golden fixtures: small random models, and what NeMo computes with them.

Run in an environment that has NeMo (benchmarks/README.md), from the repository's root:

    python -m tests.golden.make_golden

Writes tests/golden/fixtures/<model>/ in the published ONNX layout, with expected.json (tokens,
frames, durations of NeMo's greedy search, one clip at a time) and encoded.npz (its encoder
outputs), and features.npz (its log-mel features).
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf

from benchmarks.nemo_reference import find_tokens
from benchmarks.synthetic import build, layouts
from benchmarks.synthetic.shapes import SHAPES, Shape, nemo_config
from tests.support.golden_signals import CLIPS, clip

_FIXTURES = Path(__file__).parent / "fixtures"
_CORPUS = Path(__file__).parents[2] / "LICENSE"
_FEATURE_SAMPLES = 17_723  # 110 mel frames and a remainder


def main() -> None:
    """Make everything anew."""
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    _FIXTURES.mkdir(exist_ok=True)
    write_features()
    for name, shape in SHAPES.items():
        if name.startswith("golden-"):
            write_model(shape, _FIXTURES / name.removeprefix("golden-"))


def write_features() -> None:
    """Save NeMo's features of a clip for both numbers of bins."""
    signal = torch.from_numpy(clip("long")[:_FEATURE_SAMPLES])[None]
    arrays = {}
    for bins in (80, 128):
        config = nemo_config(Shape(name="", mel_bins=bins), "")["preprocessor"]
        del config["_target_"]
        features, lengths = _preprocessor(config)(
            input_signal=signal, length=torch.tensor([signal.shape[1]])
        )
        arrays[f"mel{bins}"] = features[0, :, : int(lengths[0])].numpy()
    np.savez_compressed(_FIXTURES / "features.npz", **arrays)


def write_model(shape: Shape, folder: Path) -> None:
    """Build one model, export it, and save what NeMo finds with it."""
    with tempfile.TemporaryDirectory() as scratch:
        trained = build.train_tokenizer(_CORPUS, shape.vocabulary_size, Path(scratch))
        tokenizer = build.lay_out_tokenizer(trained, Path(scratch, "tokenizer"))
        model = build.build(shape, tokenizer, torch.from_numpy(clip("long")))
        _report_durations(model)
        expected, encoded = {}, {}
        for name in CLIPS:
            expected[name], encoded[name] = _refer(model, shape.head, name)
        layouts.write_onnx(model, shape, folder, shape.head)
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    np.savez_compressed(folder / "encoded.npz", **encoded)


def _refer(model: Any, head: str, name: str) -> tuple[dict[str, Any], np.ndarray]:
    samples = torch.from_numpy(clip(name))[None]
    features, lengths = model.preprocessor(
        input_signal=samples, length=torch.tensor([samples.shape[1]])
    )
    encoded, encoded_lengths = model.encoder(audio_signal=features, length=lengths)
    found = find_tokens(model, encoded, encoded_lengths, head)[0]
    outputs = model.decoder(encoder_output=encoded)[0] if head == "ctc" else encoded[0].T
    return found, outputs[: int(encoded_lengths[0])].numpy()


def _report_durations(model: Any) -> None:
    """Have NeMo's search say the durations it chose."""
    if hasattr(model, "joint"):
        decoding = model.cfg.decoding
        OmegaConf.set_struct(decoding, False)
        decoding.tdt_include_token_duration = bool(decoding.get("durations"))
        model.change_decoding_strategy(decoding)


def _preprocessor(config: dict[str, Any]) -> Any:
    from nemo.collections.asr.modules import AudioToMelSpectrogramPreprocessor

    preprocessor = AudioToMelSpectrogramPreprocessor(**config).eval()
    preprocessor.featurizer.dither = 0.0
    return preprocessor


if __name__ == "__main__":
    main()
