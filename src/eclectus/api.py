"""What most programs need: load a model, transcribe a source, open a stream."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclectus.backends.onnx.silero import has_silero, load_silero
from eclectus.core.choices import Device, Precision, SpeechDetection
from eclectus.core.errors import BackendError, ModelError
from eclectus.core.option_spec import instance
from eclectus.core.options import (
    BackendOptions,
    EndpointOptions,
    GreedySearch,
    HubOptions,
    StreamOptions,
    TranscribeOptions,
)
from eclectus.core.protocols import AcousticModel, SpeechDetector, Tokenizer
from eclectus.core.types import Transcript
from eclectus.models.folder import ModelFolder, read_reference
from eclectus.models.library import ensure
from eclectus.models.references import parse
from eclectus.networks.onnx_network import OnnxNetwork
from eclectus.recognition.recognizer import Recognizer
from eclectus.text.model_languages import check_language, language_identifier

if TYPE_CHECKING:
    from eclectus.signal.decode import AudioSource
    from eclectus.streaming.engine import StreamEngine
    from eclectus.streaming.session import Session

LOG = logging.getLogger(__name__)


class Model(Recognizer):
    """A loaded model: transcribes files, and follows live audio in any number of sessions."""

    def __init__(
        self,
        model: AcousticModel,
        tokenizer: Tokenizer,
        options: TranscribeOptions = TranscribeOptions(),  # noqa: B008 - frozen
    ) -> None:
        """Wrap a loaded model; `eclectus.load` does this from a name."""
        super().__init__(model, tokenizer, options)
        self._engines: dict[GreedySearch, StreamEngine] = {}

    def stream(
        self, options: StreamOptions | None = None, *, sample_rate: int | None = None
    ) -> Session:
        """Open a live stream.

        Examples:
            >>> session = eclectus.load().stream(sample_rate=48_000)
            >>> for block in microphone:
            ...     for event in session.push(block):
            ...         print(event)

        Args:
            options: Contexts, drafts, endpoints; None for the defaults.
            sample_rate: Of the samples that will be pushed, in Hz; None for 16,000.

        Raises:
            OptionError: An option is impossible, the model does not know the language, or it has no
                predictor.
            BackendUnavailableError: The detector of speech needs the extra `vad`.
        """
        # Imported late: programs that only transcribe files do not need it.
        from eclectus.streaming.session import Session

        options = instance(options, StreamOptions, "options")
        check_language(options.language, self.config)
        return Session(
            self.stream_engine(options.search),
            self.tokenizer,
            options,
            sample_rate=sample_rate,
            identify=language_identifier(self.config),
            new_detector=new_detector(options.endpoint),
        )

    def stream_engine(self, search: GreedySearch) -> StreamEngine:
        """Return what computes the steps of all streams that search in this way.

        Raises:
            OptionError: An option is impossible.
            IncompatibleModelError: The model lacks its predictor.
        """
        from eclectus.streaming.engine import StreamEngine

        # Two threads may both make one; they are alike.
        if search not in self._engines:
            self._engines[search] = StreamEngine(self.acoustic, search)
        return self._engines[search]


def load(
    model: str | Path | None = None,
    *,
    backend: BackendOptions | None = None,
    device: Device | str | None = None,
    precision: Precision | str | None = None,
    threads: int | None = None,
    hub: HubOptions | None = None,
    options: TranscribeOptions | None = None,
    fast_start: bool | None = None,
) -> Model:
    """Load a model, fetching it first if it is named and not on this machine.

    Examples:
        >>> model = eclectus.load()  # the small English model that the package carries
        >>> print(model.transcribe("speech.wav").text)

    Args:
        model: A name such as `parakeet-tdt-0.6b-v3`, a hub id `owner/name`, or a folder; None for
            the built-in model.
        backend: How the network is computed; None for the defaults.
        device: Instead of the backend's: `auto`, `cpu`, `cuda` and the others of `Device`.
        precision: Instead of the backend's: `auto`, `fp32`, `fp16`, `bf16` or `int8`.
        threads: Instead of the backend's: CPU threads in all.
        hub: Where models are fetched from and kept.
        options: What the recogniser uses where a call gives none of its own.
        fast_start: Instead of the backend's: save a tenth of a second now for somewhat slower
            calls, where the model allows that; for programs that transcribe little and end.

    Raises:
        ModelError: The name is unknown, or the files are missing, broken or of another kind.
        OptionError: There is no such device or precision, or the model has no such files.
        BackendUnavailableError: The engine or the device is not there.
    """
    given: dict[str, Any] = {"device": device, "precision": precision, "threads": threads}
    given["fast_start"] = fast_start
    chosen = {name: value for name, value in given.items() if value is not None}
    backend = replace(instance(backend, BackendOptions, "backend"), **chosen)
    hub = instance(hub, HubOptions, "hub")
    options = instance(options, TranscribeOptions, "options")
    reference = parse(model)
    path = ensure(reference, hub, backend.precision)
    folder = read_reference(reference, path, backend.precision)
    return Model(_on_backend(folder, backend), folder.tokenizer, options)


def transcribe(
    source: AudioSource,
    model: str | Path | None = None,
    *,
    sample_rate: int | None = None,
    options: TranscribeOptions | None = None,
) -> Transcript:
    """Transcribe one source of audio with a model that is loaded for this call alone.

    Examples:
        >>> eclectus.transcribe("speech.wav", "parakeet-tdt-0.6b-v3").text

    Args:
        source: A path, `-`, bytes, a binary file, an array or an `Audio`.
        model: As for `load`.
        sample_rate: Of an array, in Hz.
        options: What shapes the transcript.

    Raises:
        EclectusError: As for `load` and `Recognizer.transcribe`.
    """
    with load(model, options=options, fast_start=True) as recognizer:
        return recognizer.transcribe(source, sample_rate=sample_rate)


def _load_onnx(folder: ModelFolder, options: BackendOptions) -> AcousticModel:
    from eclectus.backends.onnx.model import load_onnx

    return load_onnx(folder.network, folder.config, options)


_BACKENDS: Mapping[type[object], Callable[[ModelFolder, BackendOptions], AcousticModel]] = {
    OnnxNetwork: _load_onnx,
}
"""What computes a network, by the kind of its files; each is imported when it is needed."""


def _on_backend(folder: ModelFolder, options: BackendOptions) -> AcousticModel:
    return _BACKENDS[type(folder.network)](folder, options)


def new_detector(options: EndpointOptions) -> Callable[[], SpeechDetector]:
    """Return what makes a speech detector for each stream.

    Raises:
        BackendUnavailableError: It needs the extra `vad`.
    """
    from eclectus.signal.vad import EnergyDetector

    wanted = options.enabled and options.detector is not SpeechDetection.ENERGY
    if wanted and (options.detector is SpeechDetection.SILERO or has_silero()):
        try:
            return partial(load_silero().start, options.threshold)
        except (BackendError, ModelError) as error:
            if options.detector is SpeechDetection.SILERO:
                raise
            _warn_of_detector(str(error))
    return partial(EnergyDetector, options.threshold)


@cache
def _warn_of_detector(problem: str) -> None:
    LOG.warning("speech is detected by its level alone: %s", problem)
