"""ONNX files that have a model's outside and nothing within: for what only looks at shapes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int | str, ...]
OPSET = 17


def graph_bytes(
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    metadata: Mapping[str, str] | None = None,
    external: str | None = None,
) -> bytes:
    """A graph with these ports; its one weight lies in the file `external` if that is given."""
    weight = numpy_helper.from_array(np.arange(64, dtype=np.float32), "weight")
    if external is not None:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        places = {"location": external, "offset": "0", "length": str(64 * 4)}
        for key, value in places.items():
            weight.external_data.add(key=key, value=value)
    nodes = [helper.make_node("Identity", ["weight"], [name]) for name in outputs]
    graph = helper.make_graph(nodes, "g", _ports(inputs), _ports(outputs), [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    return bytes(model.SerializeToString())


def _ports(shapes: Mapping[str, Shape]) -> list[onnx.ValueInfoProto]:
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
        for name, shape in shapes.items()
    ]


def encoder(
    *,
    mel_bins: int | str = 80,
    width: int | str = 16,
    metadata: Mapping[str, str] | None = None,
    external: str | None = None,
) -> bytes:
    """An encoder of either transducer layout."""
    return graph_bytes(
        {"audio_signal": ("b", mel_bins, "t"), "length": ("b",)},
        {"outputs": ("b", width, "s"), "encoded_lengths": ("b",)},
        metadata,
        external,
    )


STATES: Mapping[str, Shape] = {"input_states_1": (2, "b", 8), "input_states_2": (2, "b", 8)}


def decoder_joint(*, outputs: int | str, width: int | str = 16) -> bytes:
    """Predictor and joint in one."""
    return graph_bytes(
        {"encoder_outputs": ("b", width, "s"), "targets": ("b", "u"), **STATES},
        {"outputs": ("b", "s", "u", outputs), "prednet_lengths": ("b",)},
    )


def decoder(*, width: int = 8, states: Mapping[str, Shape] = STATES) -> bytes:
    """A predictor by itself."""
    return graph_bytes({"targets": ("b", "u"), **states}, {"outputs": ("b", width, "u")})


def joiner(*, outputs: int, width: int = 16, predicted: int = 8) -> bytes:
    """A joint network by itself."""
    return graph_bytes(
        {"encoder_outputs": ("b", width, "s"), "decoder_outputs": ("b", predicted, "u")},
        {"outputs": ("b", "s", "u", outputs)},
    )


def ctc(
    *,
    outputs: int | str,
    mel_bins: int = 80,
    metadata: Mapping[str, str] | None = None,
    external: str | None = None,
) -> bytes:
    """An encoder with a CTC head."""
    return graph_bytes(
        {"audio_signal": ("b", mel_bins, "t"), "length": ("b",)},
        {"logprobs": ("b", "s", outputs)},
        metadata,
        external,
    )


def vocabulary(pieces: int = 4, blank: str = "<blk>") -> bytes:
    """Lines of `piece id`, blank last."""
    lines = [f"▁p{index} {index}" for index in range(pieces)]
    return "\n".join([*lines, f"{blank} {pieces}\n"]).encode()


def fused_files(*, pieces: int = 4, durations: int = 5, suffix: str = "") -> dict[str, bytes]:
    """A whole TDT model in the fused layout."""
    outputs = pieces + 1 + durations
    return {
        f"encoder-model{suffix}.onnx": encoder(),
        f"decoder_joint-model{suffix}.onnx": decoder_joint(outputs=outputs),
        "vocab.txt": vocabulary(pieces),
    }


def triple_files(*, pieces: int = 4, durations: int = 5) -> dict[str, bytes]:
    """A whole TDT model in the triple layout, with the metadata that tells about it."""
    facts = {
        "vocab_size": str(pieces),
        "feat_dim": "80",
        "subsampling_factor": "8",
        "normalize_type": "per_feature",
    }
    return {
        "encoder.onnx": encoder(metadata=facts),
        "decoder.onnx": decoder(),
        "joiner.onnx": joiner(outputs=pieces + 1 + durations),
        "tokens.txt": vocabulary(pieces, "<blk>"),
    }


def put(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder
