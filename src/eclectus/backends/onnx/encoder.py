"""Runs the encoder over batches."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from eclectus.backends.onnx.checks import FEATURE_LENGTHS, FEATURES
from eclectus.backends.onnx.session import Runtime, Session
from eclectus.core.errors import InferenceError
from eclectus.core.options import Device
from eclectus.core.types import EncoderOutput, Features, FloatArray, IntArray


class Encoder:
    """An encoder, or a whole CTC network, shared by all threads.

    On the CPU each item of a batch runs at its own length: padding costs time and memory, and in a
    quantised graph it would change the numbers. As many items as there are threads run at the same
    time, which uses the cores better than dividing the products of one item; so memory grows with
    the threads, not with the batch. Other devices take the padded batch as it is.
    """

    def __init__(self, path: Path, runtime: Runtime) -> None:
        """Load the graph.

        Raises:
            ModelError: See `Session`.
            BackendError: See `Session`.
        """
        self._session = Session(path, runtime)
        self._frames_first = len(self._session.outputs) == 1
        self._apart = runtime.device is Device.CPU
        self._pool = ThreadPoolExecutor(runtime.threads, "eclectus-encoder")

    def __call__(self, features: Features) -> EncoderOutput:
        """Encode a batch.

        Raises:
            OutOfMemoryError: The batch does not fit the device.
            InferenceError: The engine failed, or the model is closed.
        """
        lengths = features.lengths
        if not self._apart:
            return self._run(features.data, lengths)
        rows = [int(row) for row in np.argsort(-lengths, kind="stable") if lengths[row] > 0]
        parts = [(features.data[row : row + 1, :, : lengths[row]], lengths[row : row + 1]) for row in rows]
        if len(rows) == 1 == len(lengths):
            return self._run(*parts[0])
        return _gathered(rows, self._run_all(parts), len(lengths))
