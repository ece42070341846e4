"""An acoustic model in ONNX Runtime."""

from __future__ import annotations

from eclectus.backends.onnx.encoder import READY, Encoder
from eclectus.backends.onnx.load import load_step
from eclectus.backends.onnx.onnx_session import Runtime
from eclectus.backends.onnx.transducer_steps import CutStep, FusedStep, JoinerStep
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import BackendOptions
from eclectus.core.protocols import AcousticModel, TransducerStep
from eclectus.core.types import EncoderOutput, Features
from eclectus.networks.onnx_network import OnnxNetwork

Step = CutStep | JoinerStep | FusedStep


class OnnxModel:
    """Encoder, and predictor and joint if it has them (`core.protocols.AcousticModel`).

    Immutable: any number of threads may use it at the same time. After `close` every call raises
    InferenceError.
    """

    def __init__(self, config: ModelConfig, encoder: Encoder, step: Step | None) -> None:
        self._config = config
        self._encoder = encoder
        self._step = step

    @property
    def config(self) -> ModelConfig:
        """What the model is."""
        return self._config

    @property
    def transducer(self) -> TransducerStep | None:
        """Predictor and joint, None for a CTC model."""
        return self._step

    def encode(self, features: Features) -> EncoderOutput:
        """Run the encoder over a batch; see `Encoder` for how it is divided.

        Raises:
            OutOfMemoryError: The batch does not fit the device.
            InferenceError: The engine failed, or the model is closed.
        """
        return self._encoder(features)

    def close(self) -> None:
        """Release the device's memory; safe to call twice."""
        self._encoder.close()
        if self._step is not None:
            self._step.close()


def load_onnx(network: OnnxNetwork, config: ModelConfig, options: BackendOptions) -> AcousticModel:
    """Load a model of any published layout.

    Args:
        network: Its graphs, read and checked.
        config: What model it is; it agrees with the graphs.
        options: Device and threads; the precision is the files'.

    Raises:
        ModelFilesError: A file is broken.
        IncompatibleModelError: The engine can't run a graph.
        BackendUnavailableError: The engine or the device is not there.
        OutOfMemoryError: It does not fit into memory.
    """
    runtime = Runtime.of(options)
    ready = options.fast_start and READY in network.encoder.metadata
    encoder = Encoder(network.files.encoder, config, runtime, ready=ready)
    return OnnxModel(config, encoder, load_step(network, runtime))
