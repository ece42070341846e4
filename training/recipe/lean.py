"""The network as ONNX graphs of few nodes, written node by node.

A tracing exporter spends most of its nodes on shapes. Here a layer is 54 nodes instead of 200, so
that a session is made in a fraction of the time. What is constant is folded into the weights
(batch norm, the halves of the feed-forwards, scale and biases of the attention); query, key and
value are one product, and so are all layers' projections of the positions; one mask serves all.
"""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from recipe.graph import Graph
from recipe.model import SUBSAMPLING, Attention, Convolution, FeedForward, Layer, TdtModel

FAR = 1e4
"""What is taken off the score of a key that is padding."""
END = 2**62
PREDICTED = "decoder_outputs"
"""The predictor's output inside the decoder graph, named so that it can be cut there."""


def write_encoder(model: TdtModel, path: Path) -> None:
    """Writes `audio_signal` (B, M, T), `length` (B,) -> `outputs` (B, D, S), `encoded_lengths`."""
    graph, config = Graph("encoder"), model.config
    x, mask = _subsample(graph, model.encoder.pre_encode, config.mel_bins)
    frames = graph.add("Shape", x, start=1, end=2)
    keep = graph.add("Reshape", mask, graph.numbers(0, -1, 1))
    valid = graph.add("Transpose", mask, perm=[0, 1, 3, 2])
    far = graph.add("Mul", graph.add("Sub", valid, graph.number(1.0)), graph.number(FAR))
    layers = list(model.encoder.layers)
    places = _places(graph, frames, [layer.self_attn for layer in layers])
    square = graph.add("Concat", graph.numbers(0, 0), frames, graph.numbers(-1), axis=0)
    for index, (layer, place) in enumerate(zip(layers, places, strict=True)):
        x = _LayerWriter(graph, f"layers.{index}", (place, frames, square)).write(
            layer, x, keep, far
        )
    graph.add("Transpose", x, perm=[0, 2, 1], to="outputs")
    rounded = graph.add("Add", "length", graph.number(SUBSAMPLING - 1))
    graph.add("Div", rounded, graph.number(SUBSAMPLING), to="encoded_lengths")
    graph.save(
        {
            "audio_signal": ("float", ["batch", config.mel_bins, "frames"]),
            "length": ("int64", ["batch"]),
        },
        {
            "outputs": ("float", ["batch", config.width, "encoded_frames"]),
            "encoded_lengths": ("int64", ["batch"]),
        },
        path,
    )


def _subsample(graph: Graph, module: nn.Module, bins: int) -> tuple[str, str]:
    """(B, M, T) -> (B, S, D) and the mask (B, 1, S, 1), 1 where there is audio.

    An output frame of a convolution of stride 2 is valid if the input frame in its middle is, so
    every second element of a mask is the next mask.
    """
    x = graph.add("Unsqueeze", "audio_signal", graph.numbers(1))
    x = graph.add("Transpose", x, perm=[0, 1, 3, 2])
    total = graph.add("Squeeze", graph.add("Shape", "audio_signal", start=2, end=3))
    index = graph.add("Range", graph.number(0), total, graph.number(1))
    valid = graph.add("Less", index, graph.add("Unsqueeze", "length", graph.numbers(1)))
    mask = graph.add("Cast", valid, to_type=1)
    mask = graph.add("Reshape", mask, graph.numbers(0, 1, -1, 1))
    every_second = [graph.numbers(n) for n in (0, END, 2, 2)]
    for stage in ((0,), (2, 3), (5, 6)):
        for place in stage:
            x = _convolve(graph, x, f"pre_encode.conv.{place}", module.conv[place])
        mask = graph.add("Slice", mask, *every_second)
        x = graph.add("Mul", graph.add("Relu", x), mask)
    for _ in range(3):
        bins = (bins - 1) // 2 + 1
    x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
    x = graph.add("Reshape", x, graph.numbers(0, 0, module.conv[6].out_channels * bins))
    return graph.linear(x, "pre_encode.out", module.out.weight, module.out.bias), mask


def _convolve(graph: Graph, x: str, name: str, conv: nn.Module) -> str:
    weights = (graph.weight(f"{name}.{kind}", getattr(conv, kind)) for kind in ("weight", "bias"))
    padding = [*conv.padding, *conv.padding]
    return graph.add("Conv", x, *weights, strides=conv.stride, pads=padding, group=conv.groups)


def _places(graph: Graph, frames: str, attentions: list[Attention]) -> list[str]:
    """Returns each layer's projected positions (H, d, 2S) for the distances S … -(S - 1).

    The sinusoids are computed, which takes less room than a table and ends nowhere. Sines come
    before cosines, and the columns of the weights are in the same order.
    """
    width, heads = attentions[0].linear_pos.in_features, attentions[0].heads
    last = graph.add("Squeeze", frames)
    distance = graph.add("Range", last, graph.add("Neg", last), graph.number(-1))
    column = graph.add("Unsqueeze", graph.add("Cast", distance, to_type=1), graph.numbers(1))
    rates = np.exp(np.arange(0, width, 2, dtype=np.float32) * -(math.log(1e4) / width))
    angles = graph.add("Mul", column, graph.weight("rates", rates[None].astype(np.float32)))
    waves = graph.add("Concat", graph.add("Sin", angles), graph.add("Cos", angles), axis=1)
    weight = torch.cat([attention.linear_pos.weight for attention in attentions])
    ordered = torch.cat([weight[:, 0::2], weight[:, 1::2]], 1)
    all_layers = graph.linear(waves, "positions", ordered, None)
    shape = graph.numbers(0, len(attentions) * heads, width // heads)
    rows = graph.add("Transpose", graph.add("Reshape", all_layers, shape), perm=[1, 2, 0])
    return graph.split(rows, len(attentions), axis=0)


class _LayerWriter:
    """Writes one layer; `place`: its positions (H, d, 2S), the vectors (S) and (0, 0, S, -1)."""

    def __init__(self, graph: Graph, name: str, place: tuple[str, str, str]) -> None:
        self.graph = graph
        self.name = name
        self.place = place

    def write(self, layer: Layer, x: str, keep: str, far: str) -> str:
        """(B, S, D) -> the same; keep (B, S, 1) is 0 and far (B, 1, 1, S) is low on padding."""
        add = self.graph.add
        normal = self._normal("norm_feed_forward1", layer.norm_feed_forward1, x)
        x = add("Add", x, self._feed("feed_forward1", layer.feed_forward1, normal))
        normal = self._normal("norm_self_att", layer.norm_self_att, x)
        x = add("Add", x, self._attend(layer.self_attn, normal, far))
        normal = self._normal("norm_conv", layer.norm_conv, x)
        x = add("Add", x, self._convolve(layer.conv, normal, keep))
        normal = self._normal("norm_feed_forward2", layer.norm_feed_forward2, x)
        x = add("Add", x, self._feed("feed_forward2", layer.feed_forward2, normal))
        return self._normal("norm_out", layer.norm_out, x)

    def _normal(self, name: str, norm: nn.LayerNorm, x: str) -> str:
        scale = self.graph.weight(f"{self.name}.{name}.weight", norm.weight)
        shift = self.graph.weight(f"{self.name}.{name}.bias", norm.bias)
        return self.graph.add("LayerNormalization", x, scale, shift, axis=-1, epsilon=norm.eps)

    def _linear(self, x: str, name: str, weight: Tensor, bias: Tensor) -> str:
        return self.graph.linear(x, f"{self.name}.{name}", weight, bias)

    def _swish(self, x: str) -> str:
        return self.graph.add("Mul", x, self.graph.add("Sigmoid", x))

    def _feed(self, name: str, module: FeedForward, x: str) -> str:
        """Half of a feed-forward module's output."""
        first, second = module.linear1, module.linear2
        x = self._swish(self._linear(x, f"{name}.linear1", first.weight, first.bias))
        return self._linear(x, f"{name}.linear2", second.weight / 2, second.bias / 2)

    def _attend(self, module: Attention, x: str, far: str) -> str:
        graph, heads = self.graph, module.heads
        width = module.linear_q.in_features
        weight, bias = _merged(module)
        x = self._linear(x, "self_attn.all", weight, bias)
        x = graph.add("Reshape", x, graph.numbers(0, 0, 4 * heads, width // heads))
        x = graph.add("Transpose", x, perm=[0, 2, 1, 3])
        content, distance, key, value = graph.split(x, 4, axis=1)
        key = graph.add("Transpose", key, perm=[0, 1, 3, 2])
        by_place = self._shift(graph.add("MatMul", distance, self.place[0]))
        scores = graph.add("Add", graph.add("MatMul", content, key), by_place)
        weights = graph.add("Softmax", graph.add("Add", scores, far), axis=-1)
        mixed = graph.add("MatMul", weights, value)
        mixed = graph.add("Transpose", mixed, perm=[0, 2, 1, 3])
        mixed = graph.add("Reshape", mixed, graph.numbers(0, 0, width))
        out = module.linear_out
        return self._linear(mixed, "self_attn.out", out.weight, out.bias)

    def _shift(self, scores: str) -> str:
        """Scores (B, H, S, 2S) by distance S … -(S - 1) to (B, H, S, S) by key.

        Element (i, j) is (i, S - i + j) before: in one row, at S + (2S - 1) i + j.
        """
        graph = self.graph
        _, frames, square = self.place
        row = graph.add("Reshape", scores, graph.numbers(0, 0, -1))
        row = graph.add("Slice", row, frames, graph.numbers(END), graph.numbers(2))
        rows = graph.add("Reshape", row, square)
        return graph.add("Slice", rows, graph.numbers(0), frames, graph.numbers(3))

    def _convolve(self, module: Convolution, x: str, keep: str) -> str:
        graph = self.graph
        first, last = module.pointwise_conv1, module.pointwise_conv2
        x = self._linear(x, "conv.pointwise_conv1", first.weight.squeeze(-1), first.bias)
        signal, gate = graph.split(x, 2, axis=2)
        x = graph.add("Mul", signal, graph.add("Sigmoid", gate))
        x = graph.add("Transpose", graph.add("Mul", x, keep), perm=[0, 2, 1])
        conv = module.depthwise_conv
        weight, bias = _without_batch_norm(module)
        x = graph.add(
            "Conv",
            x,
            graph.weight(f"{self.name}.conv.depthwise_conv.weight", weight),
            graph.weight(f"{self.name}.conv.depthwise_conv.bias", bias),
            pads=[*conv.padding, *conv.padding],
            group=conv.groups,
        )
        x = graph.add("Transpose", self._swish(x), perm=[0, 2, 1])
        return self._linear(x, "conv.pointwise_conv2", last.weight.squeeze(-1), last.bias)


def _merged(module: Attention) -> tuple[Tensor, Tensor]:
    """One linear map to the query for contents, the query for places, the key and the value."""
    query, key, value = module.linear_q, module.linear_k, module.linear_v
    scale = 1.0 / math.sqrt(query.in_features // module.heads)
    biases = [
        (query.bias + bias.flatten()) * scale for bias in (module.pos_bias_u, module.pos_bias_v)
    ]
    weight = torch.cat([query.weight * scale, query.weight * scale, key.weight, value.weight])
    return weight, torch.cat([*biases, key.bias, value.bias])


def _without_batch_norm(module: Convolution) -> tuple[Tensor, Tensor]:
    norm, conv = module.batch_norm, module.depthwise_conv
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    bias = (conv.bias - norm.running_mean) * scale + norm.bias
    return conv.weight * scale[:, None, None], bias


def write_decoder(model: TdtModel, path: Path) -> None:
    """Writes predictor and joint: one step of a search, for all frames that it is given."""
    graph, config = Graph("decoder_joint"), model.config
    predicted = _predict(graph, model.decoder.prediction)
    graph.add("Identity", "target_length", to="prednet_lengths")
    joint, last = model.joint, model.joint.joint_net[2]
    frames = graph.add("Transpose", "encoder_outputs", perm=[0, 2, 1])
    left = graph.linear(frames, "joint.enc", joint.enc.weight, joint.enc.bias)
    right = graph.linear(predicted, "joint.pred", joint.pred.weight, joint.pred.bias)
    left = graph.add("Unsqueeze", left, graph.numbers(2))
    right = graph.add("Unsqueeze", right, graph.numbers(1))
    x = graph.add("Relu", graph.add("Add", left, right))
    x = graph.add("MatMul", x, graph.weight("joint.out.weight", last.weight.t()))
    graph.add("Add", x, graph.weight("joint.out.bias", last.bias), to="outputs")
    state = ("float", [1, "batch", config.predictor])
    logits = config.vocabulary + 1 + len(config.durations)
    graph.save(
        {
            "encoder_outputs": ("float", ["batch", config.width, "frames"]),
            "targets": ("int32", ["batch", "places"]),
            "target_length": ("int32", ["batch"]),
            "input_states_1": state,
            "input_states_2": state,
        },
        {
            "outputs": ("float", ["batch", "frames", "places", logits]),
            "prednet_lengths": ("int32", ["batch"]),
            "output_states_1": state,
            "output_states_2": state,
        },
        path,
    )


def _predict(graph: Graph, network: nn.ModuleDict) -> str:
    """Tokens (B, U) and states to the predictor's output (B, U, H) and the states after it."""
    lstm = network["dec_rnn"].lstm
    embedded = graph.add("Gather", graph.weight("embed", network["embed"].weight), "targets")
    steps = graph.add("Transpose", embedded, perm=[1, 0, 2])
    weights = [
        graph.weight("lstm.input", _gates(lstm.weight_ih_l0)[None]),
        graph.weight("lstm.recurrent", _gates(lstm.weight_hh_l0)[None]),
        graph.weight(
            "lstm.bias", torch.cat([_gates(lstm.bias_ih_l0), _gates(lstm.bias_hh_l0)])[None]
        ),
    ]
    inputs = [steps, *weights, "", "input_states_1", "input_states_2"]
    outputs = ["lstm.outputs", "output_states_1", "output_states_2"]
    graph.add_many("LSTM", inputs, outputs, hidden_size=lstm.hidden_size)
    rows = graph.add("Squeeze", outputs[0], graph.numbers(1))
    return graph.add("Transpose", rows, perm=[1, 0, 2], to=PREDICTED)


def _gates(values: Tensor) -> Tensor:
    """PyTorch's order of the gates, i f g o, to ONNX's i o f c."""
    first, forget, cell, output = values.chunk(4)
    return torch.cat([first, output, forget, cell])
