"""Reads a folder once: which files are the model, and what model it is.

Three sources have to agree: the names of the files, `config.json`, and the graphs' own shapes and
metadata. Where two differ, files of different models were mixed up, and loading stops here with the
path instead of producing wrong words. What is returned is checked: no backend reads or checks the
folder again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclectus.core.choices import Precision
from eclectus.core.errors import ModelFilesError
from eclectus.core.model_config import ModelConfig
from eclectus.core.timebase import TimeBase
from eclectus.models.card import Card, read_card
from eclectus.models.evidence import Evidence
from eclectus.models.layout import CONFIG, LayoutKind, select
from eclectus.models.references import FolderReference, Reference
from eclectus.networks.onnx_network import OnnxFiles, OnnxNetwork, read_onnx_network
from eclectus.networks.presence import check_present
from eclectus.text.tokenizer import PieceTokenizer

# NeMo's exports carry a positional table of 5,000 encoder frames (`pos_emb_max_len`).
NEMO_MAX_WINDOW_S = 400.0


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that was read and found whole.

    Attributes:
        path: The folder.
        network: The files of the network and their description; its type selects the backend.
        card: What `config.json` says.
        tokenizer: The vocabulary.
        config: The model, as all sources agree.
        kind: Layout.
        precision: Of the encoder; never `auto`.
    """

    path: Path
    network: OnnxNetwork
    card: Card
    tokenizer: PieceTokenizer
    config: ModelConfig
    kind: LayoutKind
    precision: Precision

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files of the network, the encoder first."""
        return tuple(self.network.files)


def read_folder(
    folder: Path,
    precision: Precision = Precision.AUTO,
    *,
    name: str | None = None,
    languages: tuple[str, ...] = (),
    builtin: bool = False,
) -> ModelFolder:
    """Read a model folder without loading weights.

    Args:
        folder: Where the files are.
        precision: Which form; see `eclectus.models.layout.select`.
        name: Name for results where `config.json` gives none; the folder's name if None.
        languages: Likewise.
        builtin: Marks the model that the package ships.

    Raises:
        ModelFilesError: Files are missing, cut off, ambiguous or of different models, or
            `config.json` has an impossible value.
        IncompatibleModelError: Whole files of a model that eclectus can't run.
        OptionError: The folder does not have this precision.
    """
    card = read_card(folder / CONFIG)
    chosen = select(_names(folder), precision, where=str(folder), head=card.head)
    vocabulary = folder / chosen.vocabulary
    network = read_onnx_network(OnnxFiles(*(folder / graph for graph in chosen.graphs)))
    check_present(vocabulary)
    tokenizer = PieceTokenizer.from_file(vocabulary)
    evidence = Evidence(network, card, folder / CONFIG, vocabulary, len(tokenizer))
    evidence.check_vocabulary()
    head, durations = evidence.head()
    config = ModelConfig(
        name=card.name or name or folder.resolve().name,
        head=head,
        mel_bins=evidence.mel_bins(),
        vocabulary_size=len(tokenizer),
        durations=durations,
        max_window_s=card.max_window_s or NEMO_MAX_WINDOW_S,
        tail_frames=card.tail_frames or 0,
        time_base=TimeBase(subsampling=evidence.subsampling()),
        languages=card.languages or languages,
        builtin=builtin,
    )
    return ModelFolder(folder, network, card, tokenizer, config, chosen.kind, chosen.precision)


def read_reference(reference: Reference, folder: Path, precision: Precision) -> ModelFolder:
    """Call `read_folder` with the catalogue's values for what the files do not say."""
    if isinstance(reference, FolderReference):
        return read_folder(folder, precision, builtin=reference.builtin)
    languages = reference.entry.languages if reference.entry is not None else ()
    return read_folder(folder, precision, name=reference.name, languages=languages)


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise ModelFilesError(f"There is no model folder {folder}.", path=str(folder))
    try:
        return [item.name for item in folder.iterdir() if not item.is_dir()]
    except OSError as error:
        raise ModelFilesError(
            f"{folder} can't be read: {error.strerror or error}.", path=str(folder)
        ) from error
