"""Which of ONNX Runtime's execution providers computes a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eclectus.core.choices import Device
from eclectus.core.errors import BackendUnavailableError

_CPU = "CPUExecutionProvider"
_CUDA = "CUDAExecutionProvider"

PROVIDERS: Mapping[Device, str] = {
    Device.CUDA: _CUDA,
    Device.TENSORRT: "TensorrtExecutionProvider",
    Device.ROCM: "ROCMExecutionProvider",
    Device.MIGRAPHX: "MIGraphXExecutionProvider",
    Device.COREML: "CoreMLExecutionProvider",
    Device.DIRECTML: "DmlExecutionProvider",
    Device.OPENVINO: "OpenVINOExecutionProvider",
    Device.CPU: _CPU,
}
"""The execution provider of each device."""

PREFERENCE = (
    Device.CUDA,
    Device.ROCM,
    Device.MIGRAPHX,
    Device.COREML,
    Device.DIRECTML,
    Device.OPENVINO,
    Device.CPU,
)
"""Automatic choice, best first; without TensorRT, which compiles for minutes."""

_REMEDIES: Mapping[Device, str] = {
    Device.CUDA: "pip install 'eclectus[cuda]'",
    Device.TENSORRT: "pip install 'eclectus[cuda]' and TensorRT",
    Device.ROCM: "a build of ONNX Runtime for ROCm (pip install onnxruntime-rocm)",
    Device.MIGRAPHX: "a build of ONNX Runtime for MIGraphX (pip install onnxruntime-migraphx)",
    Device.COREML: "pip install 'eclectus[cpu]' on macOS",
    Device.DIRECTML: "pip install 'eclectus[directml]' on Windows",
    Device.OPENVINO: "pip install 'eclectus[openvino]'",
    Device.CPU: "pip install 'eclectus[cpu]'",
}


def choose(device: Device, available: Sequence[str]) -> Device:
    """Choose a device.

    Args:
        device: The requested one; `auto` means the first of `PREFERENCE` that is available.
        available: Names of the execution providers that the installed engine has.

    Returns:
        A device, never `auto`.

    Raises:
        BackendUnavailableError: The requested device is not available.
    """
    present = devices(available)
    if device is Device.AUTO:
        return next((choice for choice in PREFERENCE if choice in present), Device.CPU)
    if device not in present:
        names = ", ".join(choice.value for choice in present)
        raise BackendUnavailableError(
            f"The installed ONNX Runtime can't use the device {device.value!r}; it can use: "
            f"{names}. It needs {_REMEDIES[device]}.",
            device=device.value,
            available=tuple(choice.value for choice in present),
        )
    return device


def devices(available: Sequence[str]) -> tuple[Device, ...]:
    """Return the devices that these execution providers serve."""
    return tuple(device for device, name in PROVIDERS.items() if name in available)


def chain(device: Device) -> list[str]:
    """Return the providers of a session: the device's own, then fallbacks for what it can't run."""
    names = [PROVIDERS[device]]
    if device is Device.TENSORRT:
        names.append(_CUDA)
    return names if device is Device.CPU else [*names, _CPU]
