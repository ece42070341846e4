"""Compares the statements of the network, `config.json` and the vocabulary about a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eclectus.core.errors import ModelFilesError
from eclectus.core.model_config import Head
from eclectus.models.card import Card
from eclectus.networks.onnx_network import OnnxNetwork

PARAKEET_SUBSAMPLING = 8
# Durations of every TDT model that NVIDIA published, for exports that leave the width open.
PUBLISHED_DURATIONS = 5
_MOST_UNLISTED = 16
"""Largest K that is accepted without a table; more extra outputs mean a wrong vocabulary."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """The sources side by side.

    Attributes:
        network: The graphs.
        card: What `config.json` says.
        card_path: Where it is, or would be.
        vocabulary: Path of the vocabulary.
        pieces: V, by the vocabulary.
    """

    network: OnnxNetwork
    card: Card
    card_path: Path
    vocabulary: Path
    pieces: int

    def check_vocabulary(self) -> None:
        """Check that the network was made for as many pieces as the vocabulary has.

        Raises:
            ModelFilesError: It was not.
        """
        for source, said in self.network.pieces.items():
            if said != self.pieces:
                raise self._mismatch(f"{source} says {said}")

    def head(self) -> tuple[Head, tuple[int, ...]]:
        """Return the head and its table of durations, empty for all but TDT.

        Raises:
            ModelFilesError: The network, `config.json` and the vocabulary disagree.
        """
        is_ctc = self.network.files.decoder is None
        head, count = self._head_by_width(is_ctc=is_ctc)
        if self.card.head is not None and self.card.head is not head:
            raise self._blamed(
                "model_type",
                f"says {self.card.head}, but {self.network.last.name} is a network with the head "
                f"{head} ({self.network.logits or 'unknown'} outputs for {self.pieces} pieces "
                "and blank)",
            )
        durations = self.card.durations
        if durations and len(durations) != count:
            raise self._blamed(
                "durations", f"lists {len(durations)} durations, but the joint network has {count}"
            )
        # NeMo's own are 0, 1, 2, … unless the card says otherwise.
        return head, durations or tuple(range(count))

    def _head_by_width(self, *, is_ctc: bool) -> tuple[Head, int]:
        """The head, and the number K of durations."""
        width = self.network.logits
        if width is None:
            return self._head_on_trust(is_ctc=is_ctc)
        extra = width - self.pieces - 1
        listed = len(self.card.durations)
        if extra < 0 or (is_ctc and extra != 0) or (extra > _MOST_UNLISTED and not listed):
            raise self._mismatch(f"{self.network.last.name} has {width} outputs")
        return (Head.CTC if is_ctc else Head.TDT if extra else Head.RNNT), extra

    def _head_on_trust(self, *, is_ctc: bool) -> tuple[Head, int]:
        """The head where the export left the width open."""
        if is_ctc:
            return Head.CTC, 0
        if self.card.head is None:
            raise ModelFilesError(
                f"{self.network.last} does not say how many outputs it has. Put a config.json "
                'beside it: {"model_type": "nemo-conformer-tdt"} or "nemo-conformer-rnnt".',
                path=str(self.network.last),
            )
        if self.card.head is Head.TDT:
            return Head.TDT, len(self.card.durations) or PUBLISHED_DURATIONS
        return Head.RNNT, 0

    def mel_bins(self) -> int:
        """Return M.

        Raises:
            ModelFilesError: No source says it, or two sources differ.
        """
        found = self._agreed("mel bins", "features_size", self.card.mel_bins, self.network.mel_bins)
        if found is not None:
            return found
        raise ModelFilesError(
            f"{self.network.files.encoder} does not say how many mel bins it takes. Put a "
            'config.json beside it: {"features_size": 80} or 128.',
            path=str(self.network.files.encoder),
        )

    def subsampling(self) -> int:
        """Return the mel frames of an encoder frame, 8 if no source says it.

        Raises:
            ModelFilesError: Two sources differ.
        """
        own, said = self.card.subsampling, self.network.subsampling
        found = self._agreed("mel frames an encoder frame", "subsampling_factor", own, said)
        return found or PARAKEET_SUBSAMPLING

    def _agreed(
        self, what: str, key: str, own: int | None, others: Mapping[str, int]
    ) -> int | None:
        """What all sources say that say something; None if there are none."""
        said = ({f'config.json ("{key}")': own} if own is not None else {}) | dict(others)
        values = set(said.values())
        if len(values) < 2:
            return next(iter(values), None)
        told = ", ".join(f"{source} says {value}" for source, value in said.items())
        place = self.card_path if own is not None else self.network.files.encoder
        raise ModelFilesError(
            f"{place}: the number of {what} is unclear ({told}). "
            "Files of different models may be mixed up; fetch the folder again.",
            path=str(place),
            key=key,
        )

    def _blamed(self, key: str, fact: str) -> ModelFilesError:
        return ModelFilesError(
            f'{self.card_path}: "{key}" {fact}: config.json or the network is another model\'s. '
            "Fetch the folder again as a whole (`eclectus models pull`).",
            path=str(self.card_path),
            key=key,
        )

    def _mismatch(self, fact: str) -> ModelFilesError:
        return ModelFilesError(
            f"{self.vocabulary} has {self.pieces} pieces and blank, but {fact}: the vocabulary and "
            "the network are of different models. "
            "Fetch the folder again as a whole (`eclectus models pull`).",
            path=str(self.vocabulary),
        )
