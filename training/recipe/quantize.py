"""Writes the int8 form of exported graphs: weights of matrix products, LSTM and embedding.

Convolutions stay in float32: they are a small part of the file and of the time, and quantising
them costs the most accuracy.
"""

import argparse
import logging
from pathlib import Path

from onnxruntime.quantization import QuantType, quantize_dynamic

from recipe.export import DECODER, ENCODER

KINDS = ["MatMul", "Gemm", "LSTM", "Gather"]


def quantize(source: Path, target: Path) -> None:
    """Writes a graph with 8-bit weights and activations that are scaled as it runs.

    Weights are unsigned: on CPUs without VNNI signed ones overflow 16-bit sums.
    """
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(source, target, op_types_to_quantize=KINDS, weight_type=QuantType.QUInt8)


def main() -> None:
    """Quantises both graphs of an exported model."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for name in (ENCODER, DECODER):
        quantize(folder / name, folder / name.replace(".onnx", ".int8.onnx"))


if __name__ == "__main__":
    main()
