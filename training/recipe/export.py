"""Writes a checkpoint as ONNX graphs in the layout of the Parakeet exports on the model hub.

`encoder-model.onnx`, `decoder_joint-model.onnx`, `vocab.txt` (`<blk>` last) and `config.json`.
"""

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from recipe.checkpoint import load_model
from recipe.model import SUBSAMPLING, TdtModel
from recipe.tokenizer import open_tokenizer

NAME = "eclectus-tiny"
OPSET = 17
REACH_SECONDS = 80
ENCODER = "encoder-model.onnx"
DECODER = "decoder_joint-model.onnx"


class EncoderGraph(nn.Module):
    """The encoder with its output as (B, D, S)."""

    def __init__(self, model: TdtModel) -> None:
        super().__init__()
        self.encoder = model.encoder

    def forward(self, audio_signal: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
        """(B, M, T), (B,) -> (B, D, S), (B,)."""
        encoded, lengths = self.encoder(audio_signal, length)
        return encoded.transpose(1, 2), lengths


class DecoderGraph(nn.Module):
    """Predictor and joint in one step."""

    def __init__(self, model: TdtModel) -> None:
        super().__init__()
        self.decoder = model.decoder
        self.joint = model.joint

    def forward(
        self, encoded: Tensor, targets: Tensor, count: Tensor, hidden: Tensor, cell: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(B, D, S), (B, U), (B,), states (1, B, H) -> logits (B, S, U, V + 1 + K), …, states."""
        predicted, (hidden, cell) = self.decoder(targets.long(), (hidden, cell))
        return self.joint(encoded.transpose(1, 2), predicted), count + 0, hidden, cell


def _export(
    graph: nn.Module,
    inputs: dict[str, Tensor],
    outputs: list[str],
    axes: dict[str, dict[int, str]],
    path: Path,
) -> None:
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )


def export_encoder(model: TdtModel, path: Path) -> None:
    """Writes the encoder; its positional table reaches 80 s, a tenth of NeMo's, to stay small."""
    model.encoder.keep_positions(REACH_SECONDS * 100 // SUBSAMPLING + 1)
    inputs = {
        "audio_signal": torch.randn(1, model.config.mel_bins, 200),
        "length": torch.tensor([200]),
    }
    axes = {
        "audio_signal": {0: "batch", 2: "frames"},
        "length": {0: "batch"},
        "outputs": {0: "batch", 2: "encoded_frames"},
        "encoded_lengths": {0: "batch"},
    }
    _export(EncoderGraph(model).eval(), inputs, ["outputs", "encoded_lengths"], axes, path)


def export_decoder(model: TdtModel, path: Path) -> None:
    """Writes predictor and joint."""
    state = torch.zeros(1, 1, model.config.predictor)
    inputs = {
        "encoder_outputs": torch.randn(1, model.config.width, 1),
        "targets": torch.zeros(1, 1, dtype=torch.int32),
        "target_length": torch.ones(1, dtype=torch.int32),
        "input_states_1": state,
        "input_states_2": state,
    }
    outputs = ["outputs", "prednet_lengths", "output_states_1", "output_states_2"]
    axes = {
        "encoder_outputs": {0: "batch", 2: "frames"},
        "targets": {0: "batch", 1: "places"},
        "target_length": {0: "batch"},
        "outputs": {0: "batch", 1: "frames", 2: "places"},
        "prednet_lengths": {0: "batch"},
    }
    states = ("input_states_1", "input_states_2", "output_states_1", "output_states_2")
    axes |= {name: {1: "batch"} for name in states}
    _export(DecoderGraph(model).eval(), inputs, outputs, axes, path)


def write_facts(model: TdtModel, tokenizer: Path, out: Path) -> None:
    """Writes `vocab.txt` and `config.json`."""
    pieces = open_tokenizer(tokenizer)
    names = [pieces.id_to_piece(i) for i in range(pieces.get_piece_size())] + ["<blk>"]
    lines = [f"{name} {number}\n" for number, name in enumerate(names)]
    (out / "vocab.txt").write_text("".join(lines), encoding="utf-8")
    facts = {
        "model_type": "nemo-conformer-tdt",
        "features_size": model.config.mel_bins,
        "subsampling_factor": SUBSAMPLING,
        "name": NAME,
        "languages": ["en"],
        "durations": list(model.config.durations),
        "max_window_s": REACH_SECONDS,
    }
    (out / "config.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


@torch.no_grad()
def largest_difference(model: TdtModel, folder: Path) -> float:
    """Returns the encoder graph's greatest deviation from PyTorch on a padded batch of two."""
    features = torch.randn(2, model.config.mel_bins, 333)
    lengths = torch.tensor([333, 250])
    features[1, :, 250:] = 0
    expected, counts = model.encoder(features, lengths)
    session = onnxruntime.InferenceSession(str(folder / ENCODER))
    inputs = {"audio_signal": features.numpy(), "length": lengths.numpy()}
    found, found_counts = session.run(None, inputs)
    if found_counts.tolist() != counts.tolist():
        raise ValueError(f"encoded lengths {found_counts} differ from {counts}")
    pairs = zip(found.transpose(0, 2, 1), expected.numpy(), counts.tolist(), strict=True)
    return max(float(np.abs(a[:n] - b[:n]).max()) for a, b, n in pairs)


def main() -> None:
    """Exports a checkpoint."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--tokenizer", type=Path, required=True)
    parser.add_argument("--averaged", action="store_true", help="export the averaged weights")
    arguments = parser.parse_args()
    model = load_model(arguments.checkpoint, averaged=arguments.averaged)
    arguments.out.mkdir(parents=True, exist_ok=True)
    export_encoder(model, arguments.out / ENCODER)
    export_decoder(model, arguments.out / DECODER)
    write_facts(model, arguments.tokenizer, arguments.out)
    if (difference := largest_difference(model, arguments.out)) > 1e-3:
        raise SystemExit(f"the exported encoder differs by {difference}")


if __name__ == "__main__":
    main()
