"""Make Parakeet-shaped models with random weights, in every published layout.

Run in an environment that has NeMo (see README.md), from the repository's root:

    python -m benchmarks.make_models --out MODELS small-tdt-128 small-ctc-80
    python -m benchmarks.make_models --out MODELS --tokenizer tokenizer.model parakeet-0.6b-random

Each model gets MODELS/<name>/{onnx,onnx-ctc,sherpa,tensors}/ and MODELS/<name>/model.nemo.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import soundfile
import torch

from benchmarks.clips import synthetic_clip
from benchmarks.synthetic import build, layouts
from benchmarks.synthetic.shapes import SHAPES, Shape

_CORPUS = Path(__file__).parents[1] / "LICENSE"  # English text that every checkout has


def main() -> None:
    """Build and export the models named on the command line."""
    options = _parse()
    torch.set_num_threads(options.threads)
    clip = _read_clip(options.clip)
    for name in options.names:
        print(f"== {name}", flush=True)
        make(SHAPES[name], options.out / name, clip, options.tokenizer)


def make(shape: Shape, folder: Path, clip: torch.Tensor, tokenizer: Path | None) -> None:
    """Build one model and write all its layouts below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if tokenizer is None:
        tokenizer = build.train_tokenizer(_CORPUS, shape.vocabulary_size, folder)
    model = build.build(shape, build.lay_out_tokenizer(tokenizer, folder / "tokenizer"), clip)
    model.save_to(str(folder / "model.nemo"))
    write_all(model, shape, folder)


def write_all(model: torch.nn.Module, shape: Shape, folder: Path) -> None:
    """Write every layout of a model; a hybrid has its CTC head in `onnx-ctc`."""
    layouts.write_tensors(model, shape, folder / "tensors")
    main_head = "tdt" if shape.head == "hybrid" else shape.head
    layouts.write_onnx(model, shape, folder / "onnx", main_head)
    layouts.quantize(folder / "onnx")
    if shape.head == "hybrid":
        layouts.write_onnx(model, shape, folder / "onnx-ctc", "ctc")
        layouts.quantize(folder / "onnx-ctc")
        model.set_export_config({"decoder_type": "rnnt"})
    layouts.write_sherpa(model, shape, folder / "onnx", folder / "sherpa")


def _read_clip(path: Path | None) -> torch.Tensor:
    if path is None:
        return torch.from_numpy(synthetic_clip())
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != 16_000 or samples.ndim != 1:
        raise SystemExit(f"{path}: 16 kHz mono wanted")
    return torch.from_numpy(samples)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", choices=sorted(SHAPES), metavar="NAME")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--clip", type=Path, help="16 kHz speech to calibrate on")
    parser.add_argument("--tokenizer", type=Path, help="SentencePiece model; trained if missing")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
