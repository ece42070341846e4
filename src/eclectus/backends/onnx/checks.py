"""Finds wrong, mixed-up and truncated files before a model is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from eclectus.backends.onnx.describe import GraphFacts, Shape
from eclectus.backends.onnx.files import OnnxFiles
from eclectus.backends.onnx.parts import ENCODER, PREDICTED, TOKENS, require
from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.model_config import Head, ModelConfig

FEATURES = "audio_signal"
FEATURE_LENGTHS = "length"
"""Names that NeMo's export gives the inputs of an encoder."""


def check_files(path: Path, facts: GraphFacts) -> None:
    """Check that the weights which lie beside a graph are there and whole.

    Raises:
        ModelFilesError: One is missing or too short.
    """
    for name, size in facts.external_bytes.items():
        weights = path.parent / name
        if not weights.is_file():
            raise ModelFilesError(
                f"{weights} is missing: {path.name} keeps its weights there. Fetch it, under this "
                "name.",
                path=str(weights),
            )
        actual = weights.stat().st_size
        if actual < size:
            raise ModelFilesError(
                f"{weights} is truncated: it has {actual} bytes of {size}. Fetch it again.",
                path=str(weights),
            )


def check_config(files: OnnxFiles, facts: Mapping[Path, GraphFacts], config: ModelConfig) -> None:
    """Check that the graphs are what they are taken for and agree with the configuration.

    Raises:
        ModelFilesError: A graph is of another kind, or a graph of the head is missing.
        IncompatibleModelError: A size differs.
    """
    encoder = facts[files.encoder]
    require(encoder, (FEATURES, FEATURE_LENGTHS), files.encoder, "encoder")
    _agree(encoder.inputs[FEATURES], 1, config.mel_bins, "mel bins", files.encoder)
    if config.head is Head.CTC:
        wanted = config.vocabulary_size + 1
        _agree(_first(encoder.outputs), -1, wanted, "log-probabilities", files.encoder)
        return
    if files.decoder is None:
        raise ModelFilesError(
            f"{files.encoder} is a {config.head.value} model's encoder, but there is no decoder "
            "file beside it.",
            path=str(files.encoder),
        )
    last = files.joiner or files.decoder
    joint = facts[last]
    require(facts[files.decoder], (TOKENS,), files.decoder, "predictor")
    require(joint, (ENCODER, PREDICTED) if files.joiner else (ENCODER,), last, "joint network")
    wanted = config.vocabulary_size + 1 + len(config.durations)
    _agree(_first(joint.outputs), -1, wanted, "logits (pieces, blank and durations)", last)
    width = _fixed(_first(encoder.outputs), 1)
    if width is not None:
        _agree(joint.inputs[ENCODER], 1, width, f"values a frame of {files.encoder.name}", last)


def _first(ports: Mapping[str, Shape]) -> Shape:
    return next(iter(ports.values()), ())


def _fixed(shape: Shape, axis: int) -> int | None:
    if not -len(shape) <= axis < len(shape):
        return None
    size = shape[axis]
    return size if isinstance(size, int) and size > 0 else None


def _agree(shape: Shape, axis: int, wanted: int, what: str, path: Path) -> None:
    found = _fixed(shape, axis)
    if found is not None and found != wanted:
        raise IncompatibleModelError(
            f"{path} has {found} {what} where {wanted} are expected. Are its files of one model, "
            "and is config.json this model's?",
            path=str(path),
            found=found,
            expected=wanted,
        )
