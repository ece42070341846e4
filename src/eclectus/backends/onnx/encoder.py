"""Runs the encoder over batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from eclectus.backends.onnx.onnx_session import Array, OnnxSession, Rewriting, Runtime
from eclectus.backends.onnx.parts import read_model
from eclectus.backends.onnx.positions import SUBSAMPLING, Positions, cut_positions, open_positions
from eclectus.core.choices import Device
from eclectus.core.errors import IncompatibleModelError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.types import EncoderOutput, Features, FloatArray, IntArray
from eclectus.networks.onnx_ports import FEATURE_LENGTHS, FEATURES

_LARGEST_TO_CUT = 1_500_000_000
"""Bytes of a graph file; protocol buffers end at two gigabytes."""
_ROUNDING = 1
"""Frames that an export may make more or fewer than NeMo."""
READY = "eclectus.ready"
"""Metadata key of a graph that runs on a CPU without the engine's optimisation: creating a session
takes a third of the time, and a call a sixth more."""


class Encoder:
    """An encoder, or a whole CTC network, shared by all threads.

    On the CPU each item of a batch runs separately at its own length: padding costs time and
    memory, would change the numbers of a quantised graph, and one item keeps all threads busy.
    Memory does not grow with the batch. Other devices run the padded batch in one call.
    """

    def __init__(
        self, path: Path, config: ModelConfig, runtime: Runtime, *, ready: bool = False
    ) -> None:
        """Load the graph.

        Args:
            path: Of the graph.
            config: What model it is.
            runtime: Where it runs.
            ready: Skip the engine's graph optimisation (see `READY`).

        Raises:
            ModelError: See `OnnxSession`; or the frames are not as long as the configuration says.
            BackendError: See `OnnxSession`.
        """
        self._path = path
        self._apart = runtime.device is Device.CPU
        whole = ready or not self._apart or path.stat().st_size > _LARGEST_TO_CUT
        opened = None if whole else _open_cut(path, config, runtime)
        rewriting = Rewriting.NONE if ready and self._apart else Rewriting.LAYOUTS
        self._session = (
            opened[0] if opened else OnnxSession(path, runtime, rewriting=rewriting, spins=True)
        )
        self._positions = opened[1] if opened else None
        self._time_base = config.time_base
        if opened and config.time_base.subsampling != SUBSAMPLING:
            raise self._wrong_subsampling(f"a frame of {SUBSAMPLING} mel frames")
        self._frames_first = config.head is Head.CTC

    def __call__(self, features: Features) -> EncoderOutput:
        """Encode a batch; an item without any mel frame gets no frames.

        Raises:
            OutOfMemoryError: The batch does not fit the device.
            InferenceError: The engine failed, or the model is closed.
            IncompatibleModelError: The frames are not as long as the configuration says.
        """
        if not self._apart and features.data.shape[2]:
            return self._run(features)
        rows = [int(row) for row in np.flatnonzero(features.lengths)]
        parts = [self._run(_item(features, row)) for row in rows]
        if len(parts) == 1 == len(features.lengths):
            return parts[0]
        return _gathered(rows, parts, len(features.lengths))

    def _run(self, features: Features) -> EncoderOutput:
        feeds: dict[str, Array] = {FEATURES: features.data, FEATURE_LENGTHS: features.lengths}
        if self._positions is not None:
            feeds.update(self._positions(self._time_base.encoder_frames(features.data.shape[2])))
        outputs = self._session.run(feeds)
        frames: FloatArray = outputs[0] if self._frames_first else outputs[0].transpose(0, 2, 1)
        mel_frames, made = features.data.shape[2], frames.shape[1]
        if abs(made - self._time_base.encoder_frames(mel_frames)) > _ROUNDING:
            raise self._wrong_subsampling(f"{made} frames of {mel_frames} mel frames")
        return EncoderOutput(frames, self._frame_counts(features.lengths, frames.shape[1]))

    def _wrong_subsampling(self, made: str) -> IncompatibleModelError:
        self.close()
        return IncompatibleModelError(
            f"{self._path} makes {made}, but its configuration says {self._time_base.subsampling} "
            'mel frames a frame. Correct "subsampling_factor" in the config.json beside it.',
            path=str(self._path),
            key="subsampling_factor",
        )

    def _frame_counts(self, mel_frames: IntArray, most: int) -> IntArray:
        counts = [self._time_base.encoder_frames(int(count)) for count in mel_frames]
        return np.minimum(np.array(counts, np.int64), most)

    def close(self) -> None:
        """Release the memory; safe to call twice."""
        self._session.close()
        if self._positions is not None:
            self._positions.close()


def _open_cut(
    path: Path, config: ModelConfig, runtime: Runtime
) -> tuple[OnnxSession, Positions] | None:
    """Load an encoder without the projections of positions, which are kept apart."""
    parts = cut_positions(read_model(path))
    if parts is None:
        return None
    data = parts.positions.SerializeToString()
    session = OnnxSession(data, runtime, path=path, rewriting=Rewriting.OPERATORS)
    positions = open_positions(session, parts.names, config.mel_bins)
    if positions is None:
        return None
    data = parts.encoder.SerializeToString()
    del parts  # the weights are in memory once more while the session is made
    return OnnxSession(data, runtime, path=path, spins=True), positions


def _item(features: Features, row: int) -> Features:
    length = int(features.lengths[row])
    one = slice(row, row + 1)
    return Features(features.data[one, :, :length], features.lengths[one])


def _gathered(rows: list[int], parts: list[EncoderOutput], batch: int) -> EncoderOutput:
    """Put items of different length into one batch, zeros behind each."""
    lengths = np.zeros(batch, np.int64)
    for row, part in zip(rows, parts, strict=True):
        lengths[row] = part.lengths[0]
    width = parts[0].frames.shape[2] if parts else 0
    frames = np.zeros((batch, int(lengths.max(initial=0)), width), np.float32)
    for row, part in zip(rows, parts, strict=True):
        frames[row, : lengths[row]] = part.frames[0, : lengths[row]]
    return EncoderOutput(frames, lengths)
