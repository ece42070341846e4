"""Which model a set of file names holds: pure, so a folder and a hub's listing are read alike.

Three layouts are published. *fused*: `encoder-model.onnx`, `decoder_joint-model.onnx`, `vocab.txt`
(the onnx-asr collection). *triple*: `encoder.onnx`, `decoder.onnx`, `joiner.onnx`, `tokens.txt`
(sherpa-onnx; the names may carry `-epoch-…`). *ctc*: one `model.onnx` and either vocabulary. The
suffix before `.onnx` names the precision: none is fp32, then `.int8`, `.fp16`, `.bf16`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from eclectus.core.choices import Precision
from eclectus.core.errors import IncompatibleModelError, ModelFilesError, OptionError
from eclectus.core.model_config import Head


class LayoutKind(StrEnum):
    """How the network is divided into files."""

    FUSED = "fused"
    TRIPLE = "triple"
    CTC = "ctc"


# The first part is the encoder: its precision is the set's.
PARTS: Mapping[LayoutKind, tuple[str, ...]] = {
    LayoutKind.FUSED: ("encoder-model", "decoder_joint-model"),
    LayoutKind.TRIPLE: ("encoder", "decoder", "joiner"),
    LayoutKind.CTC: ("model",),
}
VOCABULARIES = ("vocab.txt", "tokens.txt")
CONFIG = "config.json"
# What `auto` prefers: exact, then what runs fast on any processor.
PREFERENCE = (Precision.FP32, Precision.INT8, Precision.FP16, Precision.BF16)

_GRAPH = re.compile(
    r"(?P<part>encoder-model|decoder_joint-model|encoder|decoder|joiner|model)"
    r"(?P<tag>-(?:epoch|iter)[\w-]*)?"
    r"(?:\.(?P<precision>int8|fp16|bf16))?\.onnx"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One model among the names.

    Attributes:
        kind: Its layout.
        files: Part → precision → file name.
    """

    kind: LayoutKind
    files: Mapping[str, Mapping[Precision, str]]

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The precisions of the encoder, the preferred first."""
        encoder = self.files.get(PARTS[self.kind][0], {})
        return tuple(p for p in PREFERENCE if p in encoder)

    def graphs(self, precision: Precision) -> tuple[str | None, ...]:
        """Return the file names of a precision in the order of `PARTS`; None for a missing one.

        The encoder sets the precision. The small networks fall back to fp32, as published sets
        often quantise the encoder alone.
        """
        encoder, *others = PARTS[self.kind]
        found = [self.files.get(encoder, {}).get(precision)]
        for part in others:
            variants = self.files.get(part, {})
            found.append(variants.get(precision, variants.get(Precision.FP32)))
        return tuple(found)

    def complete(self, precision: Precision) -> bool:
        """Return whether every part is there."""
        return None not in self.graphs(precision)


@dataclass(frozen=True, slots=True)
class Selection:
    """The files to load.

    Attributes:
        kind: Layout.
        precision: Never `auto`.
        graphs: Names of the ONNX files, the encoder first.
        vocabulary: Name of the vocabulary.
    """

    kind: LayoutKind
    precision: Precision
    graphs: tuple[str, ...]
    vocabulary: str


def find_layouts(names: Iterable[str]) -> tuple[Layout, ...]:
    """Return every layout of which at least one part is there.

    Raises:
        ModelFilesError: The folder has two training states (`-epoch-…`) of one part.
    """
    parts: dict[str, dict[Precision, str]] = {}
    for name in sorted(names):
        match = _GRAPH.fullmatch(name)
        if match is None:
            continue
        precision = Precision(match["precision"] or "fp32")
        known = parts.setdefault(match["part"], {}).setdefault(precision, name)
        if known != name:
            raise ModelFilesError(
                f"Both {known} and {name} are there: keep one of the two in the folder.",
                files=(known, name),
            )
    return tuple(
        Layout(kind, {part: parts[part] for part in own if part in parts})
        for kind, own in PARTS.items()
        if any(part in parts for part in own)
    )


def select(
    names: Iterable[str], precision: Precision, *, where: str, head: Head | None = None
) -> Selection:
    """Choose the files to load from a listing.

    Args:
        names: File names, without folders.
        precision: Wanted form; `auto` takes the first of fp32, int8, fp16, bf16 that is whole.
        where: The folder or repository, for messages.
        head: What the configuration file says, to choose between two layouts.

    Raises:
        ModelFilesError: Nothing, half a model, or two models are there.
        IncompatibleModelError: Only a `.nemo` archive, or weights for another engine, are there.
        OptionError: The model is there, but not in this precision.
    """
    listing = sorted(names)
    layout = _one_layout(listing, where, head)
    chosen = _choose_precision(layout, precision, where)
    graphs = layout.graphs(chosen)
    missing = [part for part, name in zip(PARTS[layout.kind], graphs, strict=True) if name is None]
    if missing:
        wanted = _file_name(missing[0], chosen)
        raise ModelFilesError(
            f"{where}: {wanted} is missing. {_remedy_missing(listing)}", path=where, file=wanted
        )
    return Selection(
        kind=layout.kind,
        precision=chosen,
        graphs=tuple(name for name in graphs if name is not None),
        vocabulary=_vocabulary(listing, layout.kind, where),
    )


def _one_layout(listing: list[str], where: str, head: Head | None) -> Layout:
    layouts = find_layouts(listing)
    if not layouts:
        _refuse(listing, where)
    whole = [one for one in layouts if any(one.complete(p) for p in one.precisions)]
    candidates = whole or list(layouts)
    if head is not None and len(candidates) > 1:
        is_ctc = head is Head.CTC
        candidates = [one for one in candidates if (one.kind is LayoutKind.CTC) == is_ctc]
    if len(candidates) == 1:
        return candidates[0]
    if not whole:
        # Parts of several layouts and none complete: report the most complete one.
        return max(layouts, key=lambda one: len(one.files) / len(PARTS[one.kind]))
    found = "; ".join(f"{one.kind}: {', '.join(_all_names(one))}" for one in whole)
    raise ModelFilesError(
        f"{where} holds more than one model ({found}). "
        "Keep one of them in the folder, or say in config.json which one it is "
        '("model_type": "nemo-conformer-tdt", "-rnnt" or "-ctc").',
        path=where,
        found=found,
    )


def _choose_precision(layout: Layout, wanted: Precision, where: str) -> Precision:
    there = layout.precisions
    if wanted is Precision.AUTO:
        whole = [p for p in there if layout.complete(p)]
        return (whole or list(there) or [Precision.FP32])[0]
    if there and wanted not in there:
        raise OptionError(
            f"{where} has no {wanted} files; it has {', '.join(there)}. "
            f"Choose one of these, or precision 'auto'.",
            path=where,
            precision=str(wanted),
            available=[str(p) for p in there],
        )
    return wanted


def _vocabulary(listing: list[str], kind: LayoutKind, where: str) -> str:
    order = VOCABULARIES if kind is not LayoutKind.TRIPLE else VOCABULARIES[::-1]
    for name in order:
        if name in listing:
            return name
    raise ModelFilesError(
        f"{where}: {order[0]} is missing, the list of the vocabulary's pieces. "
        f"{_remedy_missing(listing)}",
        path=where,
        file=order[0],
    )


def _refuse(listing: list[str], where: str) -> None:
    archives = [name for name in listing if name.lower().endswith(".nemo")]
    if archives:
        raise IncompatibleModelError(nemo_message(where, archives[0]), path=where)
    foreign = [name for name in listing if name.endswith((".safetensors", ".gguf", ".mlpackage"))]
    if foreign:
        raise IncompatibleModelError(
            f"{where} holds weights for another engine ({foreign[0]}), no ONNX files. "
            "`eclectus models list` names models that are published as ONNX.",
            path=where,
        )
    shown = ", ".join(listing[:8]) if listing else "nothing"
    raise ModelFilesError(
        f"{where} holds no Parakeet model: encoder-model.onnx, encoder.onnx or model.onnx was "
        f"looked for, found {shown}. `eclectus models list` names models to pull.",
        path=where,
    )


def nemo_message(where: str, archive: str, export: str | None = None) -> str:
    """Return the message for a user who has a `.nemo` archive."""
    hint = (
        f"use the published ONNX files, `eclectus models pull {export}`"
        if export
        else ("use a published ONNX export (`eclectus models list` names them)")
    )
    return (
        f"{where} holds a NeMo archive ({archive}), which has to be converted to ONNX once: "
        f"`eclectus models convert` will do it in a later release; today, {hint}."
    )


def _remedy_missing(listing: list[str]) -> str:
    shown = ", ".join(listing[:8])
    return (
        f"Found: {shown}. If the model came from the hub, `eclectus models verify` shows what is "
        "wrong and `eclectus models pull` fetches what is missing."
    )


def _file_name(part: str, precision: Precision) -> str:
    return f"{part}.onnx" if precision is Precision.FP32 else f"{part}.{precision}.onnx"


def _all_names(layout: Layout) -> list[str]:
    return [name for variants in layout.files.values() for name in variants.values()]
