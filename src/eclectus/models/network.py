"""Compares the graphs of a model with each other, with `config.json` and with the vocabulary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eclectus.backends.onnx.describe import GraphFacts
from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.model_config import Head
from eclectus.models.card import Card
from eclectus.models.layout import CONFIG, LayoutKind, Selection

PARAKEET_SUBSAMPLING = 8
# Durations of every TDT model that NVIDIA published, for exports that leave the width open.
PUBLISHED_DURATIONS = 5
_CACHES = ("cache_last_channel", "cache_last_time")


def _size(shape: tuple[int | str | None, ...] | None, axis: int) -> int | None:
    """A dimension of a shape if it is fixed."""
    if shape is None or not -len(shape) <= axis < len(shape):
        return None
    value = shape[axis]
    return value if isinstance(value, int) and value > 0 else None


def _number(metadata: Mapping[str, str], key: str) -> int | None:
    value = metadata.get(key, "")
    return int(value) if value.isdecimal() and int(value) > 0 else None


@dataclass(frozen=True, slots=True)
class Network:
    """The graphs side by side.

    Attributes:
        chosen: The files that were chosen.
        paths: Of the graphs, the encoder first.
        facts: Of the graphs, in the same order.
        vocabulary: Path of the vocabulary.
        pieces: V.
    """

    chosen: Selection
    paths: tuple[Path, ...]
    facts: tuple[GraphFacts, ...]
    vocabulary: Path
    pieces: int

    @property
    def encoder(self) -> GraphFacts:
        """Facts of the first graph."""
        return self.facts[0]

    def check(self) -> None:
        """Raise if the graphs are not what their names say, or not of one model."""
        self._check_encoder()
        self._check_features()
        self._check_widths()
        self._check_vocabulary()

    def _check_encoder(self) -> None:
        streaming = [name for name in self.encoder.inputs if name.startswith(_CACHES)]
        if streaming:
            raise IncompatibleModelError(
                f"{self.paths[0]} is a cache-aware streaming export (input {streaming[0]}); "
                "eclectus runs models that are exported for whole utterances.",
                path=str(self.paths[0]),
            )
        if "audio_signal" not in self.encoder.inputs:
            found = ", ".join(self.encoder.inputs) or "none"
            raise IncompatibleModelError(
                f"{self.paths[0]} is no Parakeet encoder: it has no input audio_signal "
                f"(inputs: {found}).",
                path=str(self.paths[0]),
            )

    def _check_features(self) -> None:
        normalize = self.encoder.metadata.get("normalize_type", "per_feature")
        if normalize != "per_feature":
            raise IncompatibleModelError(
                f"{self.paths[0]} wants features with normalisation {normalize or 'none'!r}; "
                "Parakeet models and eclectus use per_feature.",
                path=str(self.paths[0]),
            )

    def _check_widths(self) -> None:
        """Each network is as wide at its end as the one after it at its start."""
        last = len(self.facts) - 1
        if last > 0:
            self._check_width(0, last, "encoder_outputs")
        if last > 1:
            self._check_width(1, last, "decoder_outputs")

    def _check_width(self, source: int, target: int, port: str) -> None:
        made = _size(self.facts[source].outputs.get("outputs"), 1)
        taken = _size(self.facts[target].inputs.get(port), 1)
        if made is not None and taken is not None and made != taken:
            one, other = self.paths[source], self.paths[target]
            raise ModelFilesError(
                f"{one.name} and {other.name} in {one.parent} are of different models: the first "
                f"makes {made} values a frame, the second takes {taken}. "
                "Fetch the folder again as a whole (`eclectus models pull`).",
                path=str(other),
            )

    def _check_vocabulary(self) -> None:
        said = _number(self.encoder.metadata, "vocab_size")
        if said is not None and said != self.pieces:
            raise self._mismatch(f"{self.paths[0].name} says {said}")

    def logits(self) -> int | None:
        """Width of the last output: V + 1, and K more for TDT."""
        outputs = self.facts[-1].outputs
        return _size(next(iter(outputs.values()), None), -1)

    def head(self, card: Card) -> tuple[Head, int]:
        """The head, and the number K of durations.

        Raises:
            ModelFilesError: The graphs, `config.json` and the vocabulary disagree.
        """
        width = self.logits()
        is_ctc = self.chosen.kind is LayoutKind.CTC
        if width is None:
            return self._head_on_trust(card, is_ctc=is_ctc)
        extra = width - self.pieces - 1
        if extra < 0 or (is_ctc and extra != 0):
            raise self._mismatch(f"{self.paths[-1].name} has {width} outputs")
        head = Head.CTC if is_ctc else Head.TDT if extra else Head.RNNT
        if card.head is not None and card.head is not head:
            raise ModelFilesError(
                f"{self.paths[0].parent / CONFIG} says {card.head}, but {self.paths[-1].name} has "
                f"{width} outputs for {self.pieces} pieces and blank, which is {head}: "
                "files of different models lie in this folder. "
                "Fetch it again as a whole (`eclectus models pull`).",
                path=str(self.paths[-1]),
            )
        return head, extra

    def _head_on_trust(self, card: Card, *, is_ctc: bool) -> tuple[Head, int]:
        """The head where the export left the width open."""
        if is_ctc:
            return Head.CTC, 0
        if card.head is None:
            raise ModelFilesError(
                f"{self.paths[-1]} does not say how many outputs it has. Put a config.json beside "
                'it: {"model_type": "nemo-conformer-tdt"} or "nemo-conformer-rnnt".',
                path=str(self.paths[-1]),
            )
        return card.head, len(card.durations) or (
            PUBLISHED_DURATIONS if card.head is Head.TDT else 0
        )

    def mel_bins(self, card: Card) -> int:
        """M.

        Raises:
            ModelFilesError: Nobody says it, or two sources differ.
        """
        said = (
            (CONFIG, card.mel_bins),
            (self.paths[0].name, _size(self.encoder.inputs.get("audio_signal"), 1)),
            (f"{self.paths[0].name}'s metadata", _number(self.encoder.metadata, "feat_dim")),
        )
        return self._agreed("mel bins", said)

    def subsampling(self, card: Card) -> int:
        """Mel frames an encoder frame, 8 if nobody says it."""
        said = (
            (CONFIG, card.subsampling),
            (self.paths[0].name, _number(self.encoder.metadata, "subsampling_factor")),
        )
        if all(value is None for _, value in said):
            return PARAKEET_SUBSAMPLING
        return self._agreed("mel frames an encoder frame", said)

    def _agreed(self, what: str, said: tuple[tuple[str, int | None], ...]) -> int:
        values = {source: value for source, value in said if value is not None}
        if len(set(values.values())) == 1:
            return next(iter(values.values()))
        told = ", ".join(f"{source} says {value}" for source, value in values.items())
        raise ModelFilesError(
            f"{self.paths[0].parent}: the number of {what} is unclear "
            f"({told or 'neither config.json nor the encoder says it'}). "
            "Files of different models may be mixed up; fetch the folder again.",
            path=str(self.paths[0].parent),
        )

    def _mismatch(self, fact: str) -> ModelFilesError:
        return ModelFilesError(
            f"{self.vocabulary} has {self.pieces} pieces and blank, but {fact}: the vocabulary and "
            "the network are of different models. "
            "Fetch the folder again as a whole (`eclectus models pull`).",
            path=str(self.vocabulary),
        )
