"""eclectus: speech recognition with the Parakeet family of models.

    import eclectus

    model = eclectus.load()              # the small built-in English model
    transcript = model.transcribe("speech.wav")
    print(transcript.text)

Importing the package loads neither NumPy nor an inference engine; names are resolved on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from eclectus._version import __version__

if TYPE_CHECKING:
    from eclectus.api import Model, load, transcribe
    from eclectus.core.errors import EclectusError
    from eclectus.core.options import BackendOptions, HubOptions, StreamOptions, TranscribeOptions
    from eclectus.core.types import Audio, Segment, Token, Transcript, Word
    from eclectus.output.registry import render
    from eclectus.output.transcript_format import RenderOptions
    from eclectus.recognition.recognizer import Recognizer
    from eclectus.streaming.session import Session

_HOMES = {
    "Audio": "eclectus.core.types",
    "BackendOptions": "eclectus.core.options",
    "EclectusError": "eclectus.core.errors",
    "HubOptions": "eclectus.core.options",
    "Model": "eclectus.api",
    "Recognizer": "eclectus.recognition.recognizer",
    "RenderOptions": "eclectus.output.transcript_format",
    "Segment": "eclectus.core.types",
    "Session": "eclectus.streaming.session",
    "StreamOptions": "eclectus.core.options",
    "Token": "eclectus.core.types",
    "TranscribeOptions": "eclectus.core.options",
    "Transcript": "eclectus.core.types",
    "Word": "eclectus.core.types",
    "load": "eclectus.api",
    "render": "eclectus.output.registry",
    "transcribe": "eclectus.api",
}

__all__ = [
    "Audio",
    "BackendOptions",
    "EclectusError",
    "HubOptions",
    "Model",
    "Recognizer",
    "RenderOptions",
    "Segment",
    "Session",
    "StreamOptions",
    "Token",
    "TranscribeOptions",
    "Transcript",
    "Word",
    "__version__",
    "load",
    "render",
    "transcribe",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'eclectus' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
