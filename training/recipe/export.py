"""Writes a checkpoint as ONNX graphs in the layout of the Parakeet exports on the model hub.

`encoder-model.onnx`, `decoder_joint-model.onnx`, `vocab.txt` (`<blk>` last) and `config.json`.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from recipe.checkpoint import load_model
from recipe.lean import write_decoder, write_encoder
from recipe.model import SUBSAMPLING, TdtModel
from recipe.tokenizer import open_tokenizer

NAME = "eclectus-tiny"
REACH_SECONDS = 20
"""Longer pieces than those that it learned from are heard worse."""
TAIL_FRAMES = 1
"""By so much its durations end before the sound does; `recipe.times` tells."""
ENCODER = "encoder-model.onnx"
DECODER = "decoder_joint-model.onnx"


def export_encoder(model: TdtModel, path: Path) -> None:
    """Writes the encoder."""
    with torch.no_grad():
        write_encoder(model, path)


def export_decoder(model: TdtModel, path: Path) -> None:
    """Writes predictor and joint."""
    with torch.no_grad():
        write_decoder(model, path)


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
        "tail_frames": TAIL_FRAMES,
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
