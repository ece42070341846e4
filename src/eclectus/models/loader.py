"""Where name, files and backend meet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclectus.backends.onnx.model import load_onnx
from eclectus.core.model_config import ModelConfig
from eclectus.core.options import BackendOptions, HubOptions
from eclectus.core.protocols import AcousticModel, Tokenizer
from eclectus.models.config import read_reference
from eclectus.models.library import ensure, resolve
from eclectus.models.references import parse
from eclectus.models.store import DownloadProgress

__all__ = ["LoadedModel", "load_model", "resolve"]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that is ready to run.

    Attributes:
        config: What it is.
        acoustic: The network on its device; close it when done.
        tokenizer: Its vocabulary.
    """

    config: ModelConfig
    acoustic: AcousticModel
    tokenizer: Tokenizer


def load_model(
    name: str | Path | None = None,
    backend: BackendOptions | None = None,
    hub: HubOptions | None = None,
    *,
    on_progress: DownloadProgress | None = None,
) -> LoadedModel:
    """Load a model by its name, fetching it first if it is not on this machine.

    Args:
        name: None or `tiny` for the built-in model, a folder, a name of the catalogue, or a hub id.
        backend: Device, precision and threads.
        hub: Where models are fetched from and kept.
        on_progress: Told of a download.

    Raises:
        ModelError: The name is unknown, or files are missing, broken or of another kind of model.
        OptionError: The model has no files of this precision.
        BackendUnavailableError: The engine or the device is not there.
    """
    backend, hub = backend or BackendOptions(), hub or HubOptions()
    reference = parse(name)
    folder = ensure(reference, hub, backend.precision, on_progress)
    model = read_reference(reference, folder, backend.precision)
    acoustic = load_onnx(model.files, model.config, backend)
    return LoadedModel(model.config, acoustic, model.tokenizer)
