"""The graphs of one published ONNX model: read from the outside, and checked against each other.

The weights are not read, and no inference engine is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.types import PredictorState
from eclectus.networks.graph_facts import GraphFacts, Shape, describe
from eclectus.networks.onnx_ports import (
    CACHES,
    ENCODED,
    FEATURE_LENGTHS,
    FEATURES,
    MEL_BINS,
    NORMALIZATION,
    PIECES,
    PREDICTED,
    STATE_RANK,
    SUBSAMPLING,
    TOKENS,
)
from eclectus.networks.presence import check_length, check_present

_PER_FEATURE = "per_feature"


@dataclass(frozen=True, slots=True)
class OnnxFiles:
    """The graphs of one model.

    Attributes:
        encoder: Features to encoder frames, or to log-probabilities if it stands alone (CTC).
        decoder: Predictor; predictor and joint in one graph if there is no joiner; None for CTC.
        joiner: Joint network, where it is a file of its own.
    """

    encoder: Path
    decoder: Path | None = None
    joiner: Path | None = None

    def __iter__(self) -> Iterator[Path]:
        """The files that there are, the encoder first."""
        return (path for path in (self.encoder, self.decoder, self.joiner) if path is not None)


@dataclass(frozen=True, slots=True)
class StateShape:
    """The recurrent states of a predictor.

    Attributes:
        inputs: Names of the inputs that carry them, in order.
        layers: L.
        width: H.
    """

    inputs: tuple[str, ...]
    layers: int
    width: int

    def zeros(self, batch: int) -> PredictorState:
        """Return the states before any token, each (L, B, H)."""
        shape = (self.layers, batch, self.width)
        return PredictorState(tuple(np.zeros(shape, np.float32) for _ in self.inputs))


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """Graphs that belong together; `read_onnx_network` makes it.

    Attributes:
        files: Where they are.
        facts: The outside of each.
        states: The predictor's recurrent states; None for CTC.
    """

    files: OnnxFiles
    facts: Mapping[Path, GraphFacts]
    states: StateShape | None

    @property
    def encoder(self) -> GraphFacts:
        """The outside of the encoder."""
        return self.facts[self.files.encoder]

    @property
    def last(self) -> Path:
        """The graph that computes the logits."""
        return self.files.joiner or self.files.decoder or self.files.encoder

    @property
    def logits(self) -> int | None:
        """Width of the last output, V + 1 (+ K for TDT); None if the export leaves it open."""
        outputs = self.facts[self.last].outputs
        return fixed_size(next(iter(outputs.values()), ()), -1)

    @property
    def mel_bins(self) -> Mapping[str, int]:
        """M by the source that says it; sources that do not say it are left out."""
        shape = self.encoder.inputs[FEATURES]
        return self._said(fixed_size(shape, 1), MEL_BINS)

    @property
    def subsampling(self) -> Mapping[str, int]:
        """Mel frames an encoder frame, by the source that says it."""
        return self._said(None, SUBSAMPLING)

    @property
    def pieces(self) -> Mapping[str, int]:
        """V by the source that says it."""
        return self._said(None, PIECES)

    def _said(self, size: int | None, key: str) -> Mapping[str, int]:
        name = self.files.encoder.name
        digits = self.encoder.metadata.get(key, "")
        # A longer one is no size of anything, and int() may refuse it.
        number = int(digits) if digits.isdecimal() and len(digits) < 10 else 0
        said = {name: size or 0, f"{name}'s metadata ({key})": number}
        return {source: value for source, value in said.items() if value}


def read_onnx_network(files: OnnxFiles) -> OnnxNetwork:
    """Read the graphs of a model and check that they are whole and belong together.

    Raises:
        ModelFilesError: A file is missing, cut off or no ONNX file, or files of different models
            are mixed up.
        IncompatibleModelError: They are whole, but of a model that eclectus can't run.
    """
    facts = {path: _inspect(path) for path in files}
    _check_encoder(facts[files.encoder], files.encoder)
    if files.decoder is None:
        return OnnxNetwork(files, facts, None)
    _check_roles(files, facts)
    network = OnnxNetwork(files, facts, _states(facts[files.decoder], files.decoder))
    _check_width(network, files.encoder, network.last, ENCODED)
    if files.joiner is not None:
        _check_width(network, files.decoder, files.joiner, PREDICTED)
    return network


def fixed_size(shape: Shape, axis: int) -> int | None:
    """Return a dimension of a shape; None if it is free or not there."""
    if not -len(shape) <= axis < len(shape):
        return None
    size = shape[axis]
    return size if isinstance(size, int) and size > 0 else None


def _width(facts: GraphFacts) -> int | None:
    """Return how many values a graph computes for each frame or token."""
    return fixed_size(next(iter(facts.outputs.values()), ()), 1)


def _inspect(path: Path) -> GraphFacts:
    """Describe a graph and check that the files that hold its weights are there."""
    check_present(path)
    facts = describe(path)
    for name, size in facts.external_bytes.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ModelFilesError(
                f"{path} wants its weights from outside of its folder ({name}): refused.",
                path=str(path),
            )
        check_present(path.parent / name)
        check_length(path.parent / name, size)
    return facts


def _check_encoder(encoder: GraphFacts, path: Path) -> None:
    streaming = [name for name in encoder.inputs if name.startswith(CACHES)]
    if streaming:
        raise IncompatibleModelError(
            f"{path} is a cache-aware streaming export (input {streaming[0]}); "
            "eclectus runs models that are exported for whole utterances.",
            path=str(path),
        )
    missing = [name for name in (FEATURES, FEATURE_LENGTHS) if name not in encoder.inputs]
    if missing:
        found = ", ".join(encoder.inputs) or "none"
        raise IncompatibleModelError(
            f"{path} is no Parakeet encoder: it has no input {missing[0]} (inputs: {found}).",
            path=str(path),
        )
    normalization = encoder.metadata.get(NORMALIZATION, _PER_FEATURE)
    if normalization != _PER_FEATURE:
        raise IncompatibleModelError(
            f"{path} wants features with normalisation {normalization or 'none'!r}; "
            f"Parakeet models and eclectus use {_PER_FEATURE}.",
            path=str(path),
        )


def _check_roles(files: OnnxFiles, facts: Mapping[Path, GraphFacts]) -> None:
    assert files.decoder is not None
    if files.joiner is None:
        _require(facts, files.decoder, (TOKENS, ENCODED), "predictor with a joint network")
        return
    _require(facts, files.decoder, (TOKENS,), "predictor")
    _require(facts, files.joiner, (ENCODED, PREDICTED), "joint network")


def _require(
    facts: Mapping[Path, GraphFacts], path: Path, names: tuple[str, ...], role: str
) -> None:
    inputs = facts[path].inputs
    missing = [name for name in names if name not in inputs]
    if missing:
        raise ModelFilesError(
            f"{path} is no {role}: it lacks the input {missing[0]} (inputs: "
            f"{', '.join(inputs) or 'none'}). Are the model's files mixed up?",
            path=str(path),
        )


def _states(facts: GraphFacts, path: Path) -> StateShape:
    """Find the inputs that carry the predictor's states: those of rank 3 besides the frames."""
    names = tuple(
        name for name, shape in facts.inputs.items() if len(shape) == STATE_RANK and name != ENCODED
    )
    if not names:
        raise IncompatibleModelError(
            f"{path} has no recurrent states among its inputs ({', '.join(facts.inputs)}); "
            "eclectus runs predictors with an LSTM.",
            path=str(path),
        )
    layers, _, width = facts.inputs[names[0]]
    if not (isinstance(layers, int) and isinstance(width, int)):
        raise IncompatibleModelError(
            f"{path} leaves the size of its state {names[0]} open. Export it with fixed sizes.",
            path=str(path),
        )
    return StateShape(names, layers, width)


def _check_width(network: OnnxNetwork, source: Path, target: Path, port: str) -> None:
    """Check that a graph is as wide at its end as the one after it at its start."""
    made = _width(network.facts[source])
    taken = fixed_size(network.facts[target].inputs[port], 1)
    if made is not None and taken is not None and made != taken:
        raise ModelFilesError(
            f"{source.name} and {target.name} in {source.parent} are of different models: the "
            f"first makes {made} values a frame, the second takes {taken}. "
            "Fetch the folder again as a whole (`eclectus models pull`).",
            path=str(target),
        )
