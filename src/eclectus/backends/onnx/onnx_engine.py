"""The only place that imports ONNX Runtime, and the table of its exceptions."""

from __future__ import annotations

import functools
import os
from types import ModuleType
from typing import Any

from eclectus.core.errors import BackendUnavailableError

_BROKEN = ("InvalidProtobuf", "InvalidGraph", "NoModel", "NoSuchFile")
_OTHERS = (
    "Fail",
    "InvalidArgument",
    "NotImplemented",
    "RuntimeException",
    "EngineError",
    "EPFail",
    "ModelLoadCanceled",
    "ModelLoaded",
    "ModelRequiresCompilation",
    "NotFound",
    "DeviceReset",
)

ALLOCATION_FAILURES = ("Failed to allocate memory", "std::bad_alloc", "out of memory")
"""How the engine's allocators (arena, C++ heap, CUDA) end a message.

The engine has no exception class for exhausted memory: it raises `Fail` or `RuntimeException`, as
for anything else. This is the one place where a text decides.
"""


@functools.cache
def engine() -> ModuleType:
    """Import ONNX Runtime, with its telemetry switched off.

    From 1.32 on its wheels keep a device id and a database in the user's home and send events to
    their maker; a variable read at the import is what prevents all of it. Whoever wants the events
    sets the variable to 0.

    Raises:
        BackendUnavailableError: It is not installed.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # noqa: TID251 - set, not read
    try:
        import onnxruntime
    except ImportError as error:
        raise BackendUnavailableError(
            "ONNX Runtime is not installed: pip install 'eclectus[cpu]' "
            "(or [cuda], [directml], [openvino], one of them).",
            extra="cpu",
        ) from error
    return _as_module(onnxruntime)


def _as_module(module: Any) -> ModuleType:
    return module  # type: ignore[no-any-return]  # the engine ships no types


@functools.cache
def broken_model_errors() -> tuple[type[Exception], ...]:
    """The engine's exceptions that mean: this file is not a whole model."""
    return _exceptions(_BROKEN)


@functools.cache
def engine_errors() -> tuple[type[Exception], ...]:
    """All exceptions that the engine raises; some of its own exist in newer releases only."""
    return (*_exceptions(_BROKEN + _OTHERS), RuntimeError, ValueError, MemoryError)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of the engine means that memory is exhausted."""
    return isinstance(error, MemoryError) or any(mark in str(error) for mark in ALLOCATION_FAILURES)


def _exceptions(names: tuple[str, ...]) -> tuple[type[Exception], ...]:
    engine()
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(getattr(state, name) for name in names if hasattr(state, name))
