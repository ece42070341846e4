"""One graph in the engine: made, run, closed, its errors translated."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eclectus.backends.onnx.onnx_engine import (
    broken_model_errors,
    engine,
    engine_errors,
    is_out_of_memory,
)
from eclectus.backends.onnx.providers import PROVIDERS, chain, choose
from eclectus.core.choices import Device
from eclectus.core.errors import (
    BackendUnavailableError,
    IncompatibleModelError,
    InferenceError,
    ModelFilesError,
    OutOfMemoryError,
)
from eclectus.core.machine import usable_cores
from eclectus.core.options import BackendOptions

log = logging.getLogger(__name__)

_NOTHING_BUT_FATAL = 4
_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}

Array = NDArray[Any]


class Rewriting(Enum):
    """How much the engine changes a graph before it runs it; the values are the engine's names.

    Attributes:
        NONE: Nothing. For graphs that are written as they should run.
        OPERATORS: Constants are computed, operators are merged.
        LAYOUTS: The layout of convolutions changes too.
    """

    NONE = "ORT_DISABLE_ALL"
    OPERATORS = "ORT_ENABLE_EXTENDED"
    LAYOUTS = "ORT_ENABLE_ALL"


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how sessions run.

    Attributes:
        device: Never `auto`.
        asked: The device in the options, which may be `auto`.
        threads: CPU threads of one session.
    """

    device: Device
    asked: Device
    threads: int

    @staticmethod
    def of(options: BackendOptions) -> Runtime:
        """Choose the device and count the threads.

        Raises:
            BackendUnavailableError: The engine or the device is not there.
        """
        device = choose(options.device, engine().get_available_providers())
        cores = usable_cores()
        threads = options.threads or cores
        if threads > 2 * cores:
            # Threads that wait for a core still take their turns: 512 on two cores are fifty times
            # slower than two.
            log.warning(
                "%d threads on %d cores would only wait; %d are used", threads, cores, cores
            )
            threads = cores
        return Runtime(device, options.device, threads)


class OnnxSession:
    """A graph on a device. Any number of threads may call `run` at the same time."""

    def __init__(
        self,
        model: Path | bytes,
        runtime: Runtime,
        *,
        path: Path | None = None,
        threads: int = 0,
        rewriting: Rewriting = Rewriting.LAYOUTS,
        spins: bool = False,
    ) -> None:
        """Load a graph.

        Args:
            model: An ONNX file, or the bytes of one.
            runtime: Where it runs.
            path: For messages, where the model comes from bytes.
            threads: CPU threads, if not as many as the runtime has.
            rewriting: What may change in it.
            spins: Whether idle threads wait actively while a call runs: it pays where a call is
                long and made of many operators.

        Raises:
            ModelFilesError: The file is missing or broken.
            IncompatibleModelError: The engine can't run this graph.
            BackendUnavailableError: The engine did not use the requested device.
            OutOfMemoryError: It does not fit into memory.
        """
        self.path = model if isinstance(model, Path) else path or Path("model.onnx")
        self._session: Any = _create(
            model,
            self.path,
            runtime,
            _session_options(self.path, threads or runtime.threads, rewriting, spins=spins),
        )
        _check_provider(self._session, runtime)
        self.inputs = {port.name: _type(port.type) for port in self._session.get_inputs()}
        self.outputs = [port.name for port in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Compute all outputs.

        Inputs are cast to the types of the graph; float16 outputs are returned as float32.

        Raises:
            OutOfMemoryError: The batch does not fit the device.
            InferenceError: The engine failed, or the session is closed.
        """
        session = self._session
        if session is None:
            raise InferenceError(f"The model of {self.path} is closed.", path=str(self.path))
        typed = {
            name: np.asarray(array, self.inputs[name], order="C") for name, array in feeds.items()
        }
        try:
            results: list[Array] = session.run(None, typed)
        except engine_errors() as error:
            raise _translated(error, self.path, feeds) from error
        return [_widened(result) for result in results]

    def close(self) -> None:
        """Release the memory; safe to call twice."""
        self._session = None


def _create(model: Path | bytes, path: Path, runtime: Runtime, options: Any) -> Any:
    source = str(model) if isinstance(model, Path) else model
    try:
        return engine().InferenceSession(
            source,
            options,
            providers=chain(runtime.device),
            enable_fallback=0,
        )
    except broken_model_errors() as error:
        raise ModelFilesError(
            f"{path} is broken or not an ONNX model. Fetch it again. ({error})", path=str(path)
        ) from error
    except engine_errors() as error:
        if is_out_of_memory(error):
            raise OutOfMemoryError(
                f"{path} does not fit into memory. Take a smaller model or precision int8.",
                path=str(path),
            ) from error
        raise IncompatibleModelError(
            f"ONNX Runtime can't run {path} on {runtime.device.value}. Is it a model of another "
            f"kind, or is the engine too old for it? ({error})",
            path=str(path),
            device=runtime.device.value,
        ) from error


def _session_options(path: Path, threads: int, rewriting: Rewriting, *, spins: bool) -> Any:
    options = engine().SessionOptions()
    levels = engine().GraphOptimizationLevel
    options.graph_optimization_level = getattr(levels, rewriting.value)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Planning memory reuse would take three quarters of the time to create a session, because each
    # value is compared with every earlier one. Values are freed after their last use in any case.
    options.enable_mem_reuse = False
    # Errors are raised as exceptions; a library should not print them too.
    options.log_severity_level = _NOTHING_BUT_FATAL
    # Threads that spin between calls would occupy the cores that other sessions and callers need.
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spins)))
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry(
        "session.model_external_initializers_file_folder_path", str(path.parent)
    )
    return options


def _check_provider(session: Any, runtime: Runtime) -> None:
    """The engine falls back to the CPU in silence when a device's libraries are missing."""
    wanted = PROVIDERS[runtime.device]
    taken = session.get_providers()
    if wanted in taken:
        return
    if runtime.asked is not Device.AUTO:
        raise BackendUnavailableError(
            f"ONNX Runtime lists the device {runtime.device.value!r} but could not use it (a "
            f"driver or library is missing); it took {', '.join(taken)}.",
            device=runtime.device.value,
        )
    log.warning("device %s is listed but could not be used; running on the CPU", runtime.device)


def _type(name: str) -> type[np.generic]:
    return _TYPES.get(name, np.float32)


def _widened(result: Array) -> Array:
    return result.astype(np.float32) if result.dtype == np.float16 else result


def _translated(
    error: BaseException, path: Path, feeds: Mapping[str, Array]
) -> OutOfMemoryError | InferenceError:
    shapes = ", ".join(f"{name} {array.shape}" for name, array in feeds.items())
    if is_out_of_memory(error):
        return OutOfMemoryError(
            f"Memory ran out while {path.name} computed {shapes}. Make the batch smaller, or the "
            "window of long files shorter.",
            path=str(path),
        )
    return InferenceError(f"{path} failed on {shapes}: {error}", path=str(path))
