"""Small random models of every published layout, with the insides that NeMo's export has."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from eclectus.core.model_config import Head, ModelConfig
from eclectus.networks.onnx_network import OnnxFiles

OPSET = 17
Shape = list[int | str | None]


@dataclass(frozen=True)
class Sizes:
    """Everything that is counted in a small model."""

    mel_bins: int = 8
    width: int = 12
    hidden: int = 10
    joint: int = 16
    layers: int = 2
    pieces: int = 20
    durations: tuple[int, ...] = (0, 1, 2, 3, 4)
    seed: int = 0

    @property
    def outputs(self) -> int:
        """Values that the joint gives."""
        return self.pieces + 1 + len(self.durations)

    def config(self, head: Head = Head.TDT) -> ModelConfig:
        """The card of this model."""
        durations = self.durations if head is Head.TDT else ()
        return ModelConfig("small", head, self.mel_bins, self.pieces, durations)


RNNT = Sizes(durations=())


@dataclass
class Builder:
    """Collects the nodes and random weights of one graph."""

    sizes: Sizes
    half: bool = False
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.sizes.seed)

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """Add a node of one output."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def weight(self, name: str, *shape: int, scale: float = 1.0) -> str:
        """Add a random weight."""
        values = self.random.standard_normal(shape) * scale
        return self.constant(name, values.astype(self.dtype))

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add a weight that is given."""
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def integer(self, name: str, value: int) -> str:
        """Add a whole number in a list of one."""
        return self.constant(name, np.array([value], np.int64))

    @property
    def dtype(self) -> type[np.generic]:
        """Of weights and activations."""
        return np.float16 if self.half else np.float32

    def model(self, inputs: dict[str, Shape], outputs: dict[str, Shape]) -> onnx.ModelProto:
        """Put the graph together."""
        graph = helper.make_graph(
            self.nodes, "g", self._ports(inputs), self._ports(outputs), self.weights
        )
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8)

    def _ports(self, shapes: dict[str, Shape]) -> list[onnx.ValueInfoProto]:
        wide = TensorProto.FLOAT16 if self.half else TensorProto.FLOAT
        kinds = {
            "length": TensorProto.INT64,
            "encoded_lengths": TensorProto.INT64,
            "targets": TensorProto.INT32,
            "target_length": TensorProto.INT32,
            "prednet_lengths": TensorProto.INT32,
        }
        return [
            helper.make_tensor_value_info(name, kinds.get(name, wide), shape)
            for name, shape in shapes.items()
        ]


def encoder(sizes: Sizes, *, half: bool = False) -> onnx.ModelProto:
    """Eight mel frames a frame: (T - 1) // 8 + 1 of them, as in NeMo."""
    b = Builder(sizes, half)
    _convolve(b, "outputs")
    b.add("Sub", ["length", b.integer("one", 1)], "before")
    b.add("Div", ["before", b.integer("eight", 8)], "eighth")
    b.add("Add", ["eighth", "one"], "encoded_lengths")
    return b.model(
        {"audio_signal": ["b", sizes.mel_bins, "t"], "length": ["b"]},
        {"outputs": ["b", sizes.width, "s"], "encoded_lengths": ["b"]},
    )


def positional_encoder(
    sizes: Sizes, *, reach: int = 5_000, lopsided: bool = False
) -> onnx.ModelProto:
    """An encoder whose two layers add what they project from a table of relative positions.

    Args:
        sizes: As of all parts.
        reach: Longest distance in the table.
        lopsided: Take rows from the start of the table instead of around its middle.
    """
    b = Builder(sizes)
    _convolve(b, "convolved.frames")
    b.add("Transpose", ["convolved.frames"], "layer.0", perm=[0, 2, 1])
    angles = np.arange(reach, -reach, -1)[:, None] * np.linspace(0.1, 1, sizes.width)
    b.constant("table", np.sin(angles + np.pi / 4).astype(np.float32)[None])
    for name, value in (("zero", 0), ("one", 1), ("middle", 0 if lopsided else reach)):
        b.integer(name, value)
    b.add("Shape", ["layer.0"], "shape", start=1, end=2)
    b.add("Sub", ["shape" if lopsided else "middle", "shape"], "before")
    b.add("Add", ["before", "one"], "start")
    b.add("Add", ["start", "shape"], "half")
    b.add("Add", ["half", "shape"], "after")
    b.add("Sub", ["after", "one"], "stop")
    b.add("Slice", ["table", "start", "stop", "one"], "positions")
    for layer in range(2):
        matrix = b.weight(f"{layer}.W", sizes.width, sizes.width, scale=0.3)
        b.add("MatMul", ["positions", matrix], f"{layer}.projected")
        b.add("Transpose", [f"{layer}.projected"], f"{layer}.turned", perm=[0, 2, 1])
        b.add("MatMul", [f"layer.{layer}", f"{layer}.turned"], f"{layer}.scores")
        b.add("MatMul", [f"{layer}.scores", f"{layer}.projected"], f"{layer}.mixed")
        b.add("Tanh", [f"{layer}.mixed"], f"layer.{layer + 1}")
    b.add("Transpose", ["layer.2"], "outputs", perm=[0, 2, 1])
    b.add("Identity", ["length"], "encoded_lengths")
    return b.model(
        {"audio_signal": ["b", sizes.mel_bins, "t"], "length": ["b"]},
        {"outputs": ["b", sizes.width, "s"], "encoded_lengths": ["b"]},
    )


def ctc(sizes: Sizes) -> onnx.ModelProto:
    """The same with a CTC head."""
    b = Builder(sizes)
    _convolve(b, "frames")
    b.add("Transpose", ["frames"], "rows", perm=[0, 2, 1])
    b.add("MatMul", ["rows", b.weight("head", sizes.width, sizes.pieces + 1)], "logits")
    b.add("LogSoftmax", ["logits"], "logprobs", axis=-1)
    return b.model(
        {"audio_signal": ["b", sizes.mel_bins, "t"], "length": ["b"]},
        {"logprobs": ["b", "s", sizes.pieces + 1]},
    )


def _convolve(b: Builder, output: str) -> None:
    kernel = b.weight("kernel", b.sizes.width, b.sizes.mel_bins, 8, scale=0.3)
    b.add("Conv", ["audio_signal", kernel], "convolved", strides=[8], pads=[0, 7])
    b.add("Tanh", ["convolved"], output)


def decoder_joint(sizes: Sizes, *, half: bool = False, meet: str = "Add") -> onnx.ModelProto:
    """Predictor and joint in one; `meet` joins the two branches; other than Add, it takes three."""
    b = Builder(sizes, half)
    states = ["input_states_1", "input_states_2"], ["output_states_1", "output_states_2"]
    _predict(b, *states)
    b.add("Transpose", ["encoder_outputs"], "frames", perm=[0, 2, 1])
    b.add("Transpose", ["predicted"], "rows", perm=[1, 0, 2])
    _join(b, meet)
    return b.model(
        {"encoder_outputs": ["b", sizes.width, "s"], **_token_ports(sizes, states[0])},
        {"outputs": ["b", "s", "u", sizes.outputs], **_state_ports(sizes, states[1])},
    )


def decoder(sizes: Sizes) -> onnx.ModelProto:
    """A predictor by itself, under the names that an export of it alone gets."""
    b = Builder(sizes)
    states = ["states.1", "onnx::Slice_3"], ["states", "162"]
    _predict(b, *states)
    b.add("Transpose", ["predicted"], "outputs", perm=[1, 2, 0])
    return b.model(
        _token_ports(sizes, states[0]),
        {"outputs": ["b", sizes.hidden, "u"], **_state_ports(sizes, states[1])},
    )


def joiner(sizes: Sizes, *, meet: str = "Add") -> onnx.ModelProto:
    """A joint network by itself; the weights are the fused graph's."""
    b = Builder(sizes)
    _predict(b, ["a", "b"], ["c", "d"])
    b.nodes.clear()
    b.weights.clear()
    b.add("Transpose", ["encoder_outputs"], "frames", perm=[0, 2, 1])
    b.add("Transpose", ["decoder_outputs"], "rows", perm=[0, 2, 1])
    _join(b, meet)
    return b.model(
        {
            "encoder_outputs": ["b", sizes.width, "s"],
            "decoder_outputs": ["b", sizes.hidden, "u"],
        },
        {"outputs": ["b", "s", "u", sizes.outputs]},
    )


def _token_ports(sizes: Sizes, states: list[str]) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {"targets": ["b", "u"], "target_length": ["b"]}
    # The exporter fixes the batch of the second state though the graph does not need it.
    batches: list[int | str] = ["b", 1] if states[1].startswith("onnx") else ["b", "b"]
    for name, batch in zip(states, batches, strict=True):
        shapes[name] = [sizes.layers, batch, sizes.hidden]
    return shapes


def _state_ports(sizes: Sizes, states: list[str]) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {"prednet_lengths": ["b"]}
    return shapes | {name: [sizes.layers, "b", sizes.hidden] for name in states}


def _predict(b: Builder, states: list[str], after: list[str]) -> None:
    """Embedding and stacked LSTMs; the value `predicted` is (U, B, H)."""
    h = b.sizes.hidden
    b.add("Cast", ["targets"], "ids", to=TensorProto.INT64)
    b.add("Gather", [b.weight("embedding", b.sizes.pieces + 1, h), "ids"], "embedded")
    x = b.add("Transpose", ["embedded"], "x", perm=[1, 0, 2])
    b.integer("zero", 0)
    b.integer("axis", 1)
    ends: list[list[str]] = [[], []]
    for layer in range(b.sizes.layers):
        bounds = [b.integer(f"{layer}.{n}", layer + n) for n in (0, 1)]
        before = [b.add("Slice", [name, *bounds, "zero"], f"{layer}.{name}") for name in states]
        weights = [b.weight(f"{layer}.{n}", 1, 4 * h, h, scale=0.5) for n in "WR"]
        bias = b.weight(f"{layer}.B", 1, 8 * h, scale=0.1)
        outputs = [f"{layer}.y", f"{layer}.h", f"{layer}.c"]
        inputs = [x, *weights, bias, "", *before]
        name = f"{layer}.lstm"
        b.nodes.append(helper.make_node("LSTM", inputs, outputs, name=name, hidden_size=h))
        last = layer + 1 == b.sizes.layers
        x = b.add("Squeeze", [outputs[0], "axis"], "predicted" if last else f"{layer}.out")
        ends[0].append(outputs[1])
        ends[1].append(outputs[2])
    for names, output in zip(ends, after, strict=True):
        b.add("Concat", names, output, axis=0)
    b.add("Identity", ["target_length"], "prednet_lengths")


def _join(b: Builder, meet: str) -> None:
    for side, width, axis in (("frames", b.sizes.width, 2), ("rows", b.sizes.hidden, 1)):
        matrix = b.weight(f"{side}.W", width, b.sizes.joint)
        b.add("MatMul", [side, matrix], f"{side}.product")
        b.add("Add", [b.weight(f"{side}.b", b.sizes.joint), f"{side}.product"], f"{side}.sum")
        places = b.integer(f"{side}.axis", axis)
        b.add("Unsqueeze", [f"{side}.sum", places], f"{side}.wide")
    if meet == "Add":
        b.add("Add", ["frames.wide", "rows.wide"], "met")
    else:
        b.add("Identity", ["rows.wide"], "rows.again")
        b.add(meet, ["frames.wide", "rows.wide", "rows.again"], "met")
    b.add("Relu", ["met"], "active")
    b.add("MatMul", ["active", b.weight("out.W", b.sizes.joint, b.sizes.outputs)], "out")
    b.add("Add", [b.weight("out.b", b.sizes.outputs), "out"], "outputs")


def save_fused(folder: Path, sizes: Sizes = Sizes(), *, half: bool = False) -> OnnxFiles:
    """Write a transducer in the layout of two files."""
    files = OnnxFiles(folder / "encoder-model.onnx", folder / "decoder_joint-model.onnx")
    onnx.save(encoder(sizes, half=half), files.encoder)
    onnx.save(decoder_joint(sizes, half=half), str(files.decoder))
    return files


def save_triple(folder: Path, sizes: Sizes = Sizes()) -> OnnxFiles:
    """Write the same transducer in the layout of three files."""
    files = OnnxFiles(folder / "encoder.onnx", folder / "decoder.onnx", folder / "joiner.onnx")
    onnx.save(encoder(sizes), files.encoder)
    onnx.save(decoder(sizes), str(files.decoder))
    onnx.save(joiner(sizes), str(files.joiner))
    return files


def save_ctc(folder: Path, sizes: Sizes = RNNT) -> OnnxFiles:
    """Write a CTC model."""
    files = OnnxFiles(folder / "model.onnx")
    onnx.save(ctc(sizes), files.encoder)
    return files


def quantize(files: OnnxFiles) -> OnnxFiles:
    """Write `.int8.onnx` beside each file, as the published ones are made."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantized: list[Path] = []
    for path in files:
        target = path.with_suffix(".int8.onnx")
        kind = QuantType.QUInt8 if path == files.encoder else QuantType.QInt8
        quantize_dynamic(path, target, weight_type=kind)
        quantized.append(target)
    return OnnxFiles(*quantized)
