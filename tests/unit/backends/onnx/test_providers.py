"""The choice of an execution provider, from plain lists of names."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from eclectus.backends.onnx.onnx_session import OnnxSession, Runtime
from eclectus.backends.onnx.providers import PROVIDERS, chain, choose
from eclectus.core.choices import Device
from eclectus.core.errors import BackendUnavailableError
from eclectus.core.options import BackendOptions
from tests.support.onnx_models import save_ctc

CPU, CUDA, TRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        ([CPU], Device.CPU),
        (["AzureExecutionProvider", CPU], Device.CPU),
        ([TRT, CUDA, CPU], Device.CUDA),
        ([TRT, CPU], Device.CPU),
        (["MIGraphXExecutionProvider", "ROCMExecutionProvider", CPU], Device.ROCM),
        (["MIGraphXExecutionProvider", CPU], Device.MIGRAPHX),
        (["CoreMLExecutionProvider", CPU], Device.COREML),
        (["DmlExecutionProvider", CPU], Device.DIRECTML),
        (["OpenVINOExecutionProvider", CPU], Device.OPENVINO),
        ([], Device.CPU),
    ],
)
def test_auto_takes_the_best_that_is_installed(available: list[str], expected: Device) -> None:
    assert choose(Device.AUTO, available) is expected


@pytest.mark.parametrize("device", PROVIDERS)
def test_a_named_device_is_taken_when_it_is_there(device: Device) -> None:
    assert choose(device, [*PROVIDERS.values()]) is device


@pytest.mark.parametrize("device", [device for device in PROVIDERS if device is not Device.CPU])
def test_a_named_device_that_is_not_there_is_refused(device: Device) -> None:
    with pytest.raises(BackendUnavailableError, match=r"it can use: cpu\. It needs ") as caught:
        choose(device, [CPU])

    assert caught.value.context == {"device": device.value, "available": ("cpu",)}


def test_the_refusal_names_the_extra() -> None:
    with pytest.raises(BackendUnavailableError, match=r"pip install 'eclectus\[cuda\]'"):
        choose(Device.CUDA, [CPU])


def test_other_devices_leave_to_the_cpu_what_they_can_not_do() -> None:
    assert chain(Device.CPU) == [CPU]
    assert chain(Device.CUDA) == [CUDA, CPU]
    assert chain(Device.TENSORRT) == [TRT, CUDA, CPU]


def test_threads_are_the_cores_that_the_process_may_use_unless_given() -> None:
    assert Runtime.of(BackendOptions(threads=3)).threads == 3
    assert Runtime.of(BackendOptions()).threads >= 1


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_device_that_the_engine_does_not_take_is_an_error_when_it_was_named(
    tmp_path: Path,
) -> None:
    path = save_ctc(tmp_path).encoder

    with pytest.raises(BackendUnavailableError, match="lists the device 'cuda' but"):
        OnnxSession(path, Runtime(Device.CUDA, Device.CUDA, 1))


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_device_that_the_engine_does_not_take_is_a_warning_when_it_was_not_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = save_ctc(tmp_path).encoder

    with caplog.at_level(logging.WARNING):
        session = OnnxSession(path, Runtime(Device.CUDA, Device.AUTO, 1))

    assert session.outputs == ["logprobs"]
    assert "running on the CPU" in caplog.text
