"""One graph in the engine: its errors by name."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from eclectus.backends.onnx.onnx_engine import engine, is_out_of_memory
from eclectus.backends.onnx.onnx_session import OnnxSession, Runtime
from eclectus.core.choices import Device
from eclectus.core.errors import (
    BackendUnavailableError,
    InferenceError,
    ModelFilesError,
    OutOfMemoryError,
)
from eclectus.core.machine import usable_cores
from eclectus.core.options import BackendOptions

RUNTIME = Runtime(Device.CPU, Device.CPU, 1)


def expanding() -> bytes:
    """A graph whose result is as large as its input says."""
    nodes = [helper.make_node("Expand", ["x", "size"], ["y"])]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    size = helper.make_tensor_value_info("size", TensorProto.INT64, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])
    graph = helper.make_graph(nodes, "g", [x, size], [y])
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


def feeds(size: int) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    return {"x": np.ones(1), "size": np.array([float(size)])}


def test_inputs_are_cast_to_what_the_graph_wants() -> None:
    (result,) = OnnxSession(expanding(), RUNTIME).run(feeds(3))

    assert result.tolist() == [1, 1, 1]
    assert result.dtype == np.float32


def test_exhausted_memory_is_told_from_other_failures() -> None:
    session = OnnxSession(expanding(), RUNTIME, path=Path("some.onnx"))

    with pytest.raises(OutOfMemoryError, match=r"some\.onnx computed x \(1,\)"):
        session.run(feeds(10**15))
    with pytest.raises(InferenceError, match="failed"):
        session.run(feeds(-5))
    assert session.run(feeds(2))[0].tolist() == [1, 1]


def test_memory_errors_of_python_count_too() -> None:
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(ValueError("no"))


def test_bytes_that_are_no_model_are_a_model_files_error(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(expanding()[:-20])

    with pytest.raises(ModelFilesError, match="broken"):
        OnnxSession(path, RUNTIME)


def test_a_missing_engine_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    engine.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    try:
        with pytest.raises(BackendUnavailableError, match=r"pip install 'eclectus\[cpu\]'"):
            engine()
    finally:
        engine.cache_clear()


def test_more_threads_than_cores_are_not_started(caplog: pytest.LogCaptureFixture) -> None:
    cores = usable_cores()
    assert Runtime.of(BackendOptions(threads=1)).threads == 1
    assert Runtime.of(BackendOptions(threads=2 * cores)).threads == 2 * cores
    assert not caplog.messages
    if 2 * cores < 512:
        assert Runtime.of(BackendOptions(threads=512)).threads == cores
        assert "would only wait" in caplog.text


def test_cores_are_counted_where_affinity_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sched_getaffinity", raising=False)

    assert usable_cores() >= 1
