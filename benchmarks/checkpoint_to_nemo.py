"""Put a checkpoint with NeMo's parameter names, trained without NeMo, into a `.nemo` file.

Run in an environment that has NeMo (see README.md), from the repository's root:

    python -m benchmarks.checkpoint_to_nemo checkpoint.pt tokenizer.model out.nemo

The checkpoint holds `{"model": state dict, "cfg": sizes}`, a hybrid of TDT and CTC.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from benchmarks.synthetic.build import instantiate, lay_out_tokenizer
from benchmarks.synthetic.shapes import STANDARD_DURATIONS, Shape


def main() -> None:
    """Convert the checkpoint named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    content = torch.load(options.checkpoint, map_location="cpu", weights_only=True)
    tokenizer = lay_out_tokenizer(options.tokenizer, options.out.with_suffix(".tokenizer"))
    model = instantiate(shape_of(content["cfg"]), tokenizer)
    load(model, content["model"])
    model.save_to(str(options.out))


def shape_of(sizes: dict[str, Any]) -> Shape:
    """Read the sizes that the training script wrote beside the weights."""
    return Shape(
        name="checkpoint",
        head="hybrid",
        layers=sizes["layers"],
        width=sizes["d_model"],
        heads=sizes["heads"],
        mel_bins=sizes["n_mels"],
        subsampling_channels=sizes["sub_ch"],
        predictor_width=sizes["pred"],
        durations=STANDARD_DURATIONS,
        vocabulary_size=sizes["vocab"],
        use_bias=True,
        xscaling=bool(sizes.get("xscale", False)),
    )


def load(model: torch.nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Load all weights; only the preprocessor's own constants may be missing.

    Raises:
        ValueError: The names do not match.
    """
    missing, unexpected = model.load_state_dict(weights, strict=False)
    missing = [name for name in missing if not name.startswith("preprocessor.")]
    if missing or unexpected:
        raise ValueError(f"missing {missing}, unexpected {unexpected}")


if __name__ == "__main__":
    main()
