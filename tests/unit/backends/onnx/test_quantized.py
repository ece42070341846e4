"""Products with a scale for each row."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from eclectus.backends.onnx import proto
from eclectus.backends.onnx.graph import opset
from eclectus.backends.onnx.nodes import values
from eclectus.backends.onnx.quantized import make_independent, saturates

Array = NDArray[Any]


def quantised(weight: Array, zero: Array, version: int = 17, *, extra: bool = False) -> bytes:
    """One product as the quantiser writes it."""
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("Mul", ["s", "w.scale"], ["scale"]),
        helper.make_node("MatMulInteger", ["q", "w", "z", "w.zero"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "scale"], ["y"]),
    ]
    if extra:
        nodes.append(helper.make_node("DequantizeLinear", ["q", "s", "z"], ["again"]))
    weights = [
        numpy_helper.from_array(weight, "w"),
        numpy_helper.from_array(zero, "w.zero"),
        numpy_helper.from_array(np.array(0.01, np.float32), "w.scale"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "s", len(weight)])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [x], [y], weights)
    opsets = [helper.make_opsetid("", version)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return bytes(model.SerializeToString())


def rewritten(data: bytes, *, unsigned: bool = False) -> bytes:
    model = proto.parse_model(data)
    make_independent(model.graph, opset(model), unsigned=unsigned)
    return bytes(model.SerializeToString())


def run(data: bytes, x: Array) -> Array:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    result: Array = session.run(None, {"x": x})[0]
    return result


def inputs() -> Array:
    x = np.random.default_rng(1).standard_normal((3, 4, 32)).astype(np.float32)
    x *= np.array([0.01, 1, 100], np.float32)[:, None, None]
    x[1, 1] = np.abs(x[1, 1])
    x[1, 2] = -np.abs(x[1, 2])
    x[1, 3] = 0
    return x


WEIGHTS = np.random.default_rng(2).integers(0, 256, (32, 24)).astype(np.uint8)
SIGNED = (WEIGHTS // 4).astype(np.int8) - np.int8(32)  # small: exact on every CPU


@pytest.mark.parametrize("version", [13, 17, 18, 21])
@pytest.mark.parametrize(
    ("weight", "zero"),
    [
        (WEIGHTS, np.uint8(120)),
        (SIGNED, np.int8(0)),
        (WEIGHTS, np.full(24, 99, np.uint8)),
    ],
)
def test_a_row_in_a_batch_has_the_numbers_that_the_published_graph_gives_it_alone(
    weight: Array, zero: Array, version: int
) -> None:
    data = quantised(weight, np.asarray(zero), version)
    x = inputs()

    found = run(rewritten(data), x)

    for item in range(3):
        for row in range(4):
            alone = run(data, x[item : item + 1, row : row + 1])
            # Rounding of the scale's last bit may move one activation by one level of 255.
            np.testing.assert_allclose(
                found[item, row], alone[0, 0], rtol=1e-5, atol=1e-5 * np.abs(alone).max()
            )


def test_unsigned_weights_are_the_same_numbers() -> None:
    data = quantised(SIGNED, np.asarray(np.int8(3)))
    model = proto.parse_model(data)
    make_independent(model.graph, 17, unsigned=True)
    weights = {weight.name: values(weight) for weight in model.graph.initializer}

    np.testing.assert_array_equal(weights["w"].astype(int) - 131, SIGNED.astype(int) - 3)
    np.testing.assert_array_equal(
        run(bytes(model.SerializeToString()), inputs()), run(rewritten(data), inputs())
    )


def test_large_signed_weights_are_exact_on_every_cpu() -> None:
    weight = np.full((32, 24), 127, np.int8)
    x = np.ones((1, 1, 32), np.float32)

    found = run(rewritten(quantised(weight, np.asarray(np.int8(0))), unsigned=saturates()), x)

    np.testing.assert_allclose(found, 32 * 1.27, rtol=1e-6)


def test_a_graph_of_another_build_is_left_alone() -> None:
    data = quantised(WEIGHTS, np.asarray(np.uint8(1)), extra=True)

    assert onnx.load_from_string(rewritten(data)) == onnx.load_from_string(data)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int32, np.uint8, np.float16, np.int8])
def test_weights_are_read_as_bytes(dtype: type[np.generic]) -> None:
    array = np.arange(6).astype(dtype).reshape(2, 3)

    np.testing.assert_array_equal(read(numpy_helper.from_array(array, "w")), array)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int32, np.uint8, np.int8])
def test_weights_are_read_as_numbers(dtype: type[np.generic]) -> None:
    array = np.arange(6).astype(dtype).reshape(2, 3)
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)

    tensor = helper.make_tensor("w", kind, [2, 3], array.ravel().tolist())

    np.testing.assert_array_equal(read(tensor), array)


def read(tensor: onnx.TensorProto) -> Array:
    weight = proto.new("Tensor")
    weight.ParseFromString(tensor.SerializeToString())
    return values(weight)
