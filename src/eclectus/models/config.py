"""Reads a folder: which files are the model, and what model it is.

Three sources have to agree: the names of the files, `config.json`, and the graphs' own shapes and
metadata. Where two differ, files of different models were mixed up, and loading stops here with the
path instead of ending in words that nobody said.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eclectus.backends.onnx.describe import GraphFacts, describe
from eclectus.backends.onnx.files import OnnxFiles
from eclectus.core.choices import Precision
from eclectus.core.errors import ModelFilesError
from eclectus.core.model_config import Head, ModelConfig
from eclectus.core.timebase import TimeBase
from eclectus.models.card import Card, read_card
from eclectus.models.files import check_present
from eclectus.models.layout import CONFIG, LayoutKind, select
from eclectus.models.network import Network
from eclectus.models.references import FolderReference, Reference
from eclectus.text.tokenizer import PieceTokenizer

# NeMo's exports carry a positional table of 5,000 encoder frames (`pos_emb_max_len`).
NEMO_MAX_WINDOW_S = 400.0


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A folder that was read and found whole.

    Attributes:
        path: The folder.
        files: The ONNX files.
        tokenizer: The vocabulary.
        config: The model.
        kind: Layout.
        precision: Of the encoder; never `auto`.
    """

    path: Path
    files: OnnxFiles
    tokenizer: PieceTokenizer
    config: ModelConfig
    kind: LayoutKind
    precision: Precision

    @property
    def paths(self) -> tuple[Path, ...]:
        """The ONNX files that are there, the encoder first."""
        found = (self.files.encoder, self.files.decoder, self.files.joiner)
        return tuple(path for path in found if path is not None)


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
        folder: Where the files lie.
        precision: Which form; see `eclectus.models.layout.select`.
        name: Name for results where `config.json` gives none; the folder's name if None.
        languages: Likewise.
        builtin: Marks the model that the package ships.

    Raises:
        ModelFilesError: Files are missing, cut off, ambiguous or of different models.
        IncompatibleModelError: Whole files of a model that eclectus can't run.
        OptionError: The folder does not have this precision.
    """
    card = read_card(folder / CONFIG)
    chosen = select(_names(folder), precision, where=str(folder), head=card.head)
    graphs = tuple(folder / graph for graph in chosen.graphs)
    facts = tuple(_inspect(path) for path in graphs)
    vocabulary = folder / chosen.vocabulary
    check_present(vocabulary)
    tokenizer = PieceTokenizer.from_file(vocabulary)
    network = Network(chosen, graphs, facts, vocabulary, len(tokenizer))
    network.check()
    head, extra = network.head(card)
    config = ModelConfig(
        name=card.name or name or folder.resolve().name,
        head=head,
        mel_bins=network.mel_bins(card),
        vocabulary_size=len(tokenizer),
        durations=_durations(folder, card, extra) if head is Head.TDT else (),
        max_window_s=card.max_window_s or NEMO_MAX_WINDOW_S,
        tail_frames=card.tail_frames or 0,
        time_base=TimeBase(subsampling=network.subsampling(card)),
        languages=card.languages or languages,
        builtin=builtin,
    )
    return ModelFolder(
        folder, _onnx_files(graphs), tokenizer, config, chosen.kind, chosen.precision
    )


def read_reference(reference: Reference, folder: Path, precision: Precision) -> ModelFolder:
    """`read_folder`, with what the catalogue knows where the files are silent."""
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


def _onnx_files(graphs: tuple[Path, ...]) -> OnnxFiles:
    encoder, *rest = graphs
    decoder, joiner = (*rest, None, None)[:2]
    return OnnxFiles(encoder=encoder, decoder=decoder, joiner=joiner)


def _inspect(path: Path) -> GraphFacts:
    """Describe a graph and check that the files that hold its weights are there."""
    check_present(path)
    facts = describe(path)
    for name in facts.external_files:
        data = path.parent / name
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ModelFilesError(
                f"{path} wants its weights from outside of its folder ({name}): refused.",
                path=str(path),
            )
        check_present(data)
        _check_length(data, facts.external_bytes.get(name, 0))
    return facts


def _check_length(data: Path, needed: int) -> None:
    size = data.stat().st_size
    if size < needed:
        raise ModelFilesError(
            f"{data} is cut off: it has {size:,} bytes of at least {needed:,}. "
            "Fetch it again (`eclectus models pull`), or copy it anew.",
            path=str(data),
            size=size,
            needed=needed,
        )


def _durations(folder: Path, card: Card, count: int) -> tuple[int, ...]:
    """The table of TDT durations; NeMo's own are 0, 1, 2, … unless the card says otherwise."""
    if not card.durations:
        return tuple(range(count))
    if len(card.durations) != count:
        raise ModelFilesError(
            f"{folder / CONFIG} lists {len(card.durations)} durations, but the joint network has "
            f"{count}: config.json or the ONNX files belong to another model.",
            path=str(folder / CONFIG),
        )
    return card.durations
