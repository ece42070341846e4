"""The Parakeet models that have a name here, and where their files are published.

Pure data: nothing is imported, read or fetched. A revision is pinned where the commit is known for
certain; elsewhere it is None, and the store resolves `main` when it pulls and records the commit.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from eclectus.core.choices import Precision
from eclectus.core.languages import ENGLISH, EUROPEAN
from eclectus.core.model_config import Head

BUILTIN_NAME = "tiny"
LICENSE = "CC-BY-4.0"
FULL_AND_INT8 = (Precision.FP32, Precision.INT8)
FULL = (Precision.FP32,)
INT8 = (Precision.INT8,)
FP16 = (Precision.FP16,)


@dataclass(frozen=True, slots=True)
class Export:
    """One published set of ONNX files.

    Attributes:
        repo: Hub id, `owner/name`.
        precisions: What the repository holds; empty if unknown.
        revision: Commit, tag or branch; None for `main`.
        head: Head of this export where it differs from the entry's (hybrid models).
    """

    repo: str
    precisions: tuple[Precision, ...] = ()
    revision: str | None = None
    head: Head | None = None


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of the family.

    Attributes:
        name: What users type.
        head: Output layer; of a hybrid model the better one.
        parameters_m: Size in millions of parameters.
        languages: ISO 639-1 codes.
        mel_bins: M.
        original: NVIDIA's own repository, which holds a `.nemo` archive.
        exports: Published ONNX files, the default first; empty where none is known.
        license: SPDX identifier of the weights.
    """

    name: str
    head: Head
    parameters_m: int
    languages: tuple[str, ...]
    mel_bins: int
    original: str
    exports: tuple[Export, ...] = ()
    license: str = LICENSE

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """Every precision that some export has, in the order of the exports."""
        return tuple(dict.fromkeys(p for export in self.exports for p in export.precisions))


CATALOG: tuple[ModelEntry, ...] = (
    ModelEntry(
        name="parakeet-tdt-0.6b-v3",
        head=Head.TDT,
        parameters_m=600,
        languages=EUROPEAN,
        mel_bins=128,
        original="nvidia/parakeet-tdt-0.6b-v3",
        exports=(
            Export(
                "istupakov/parakeet-tdt-0.6b-v3-onnx",
                FULL_AND_INT8,
                "8f23f0c03c8761650bdb5b40aaf3e40d2c15f1ce",
            ),
            Export(
                "csukuangfj/sherpa-onnx-nemo-parakeet-tdt-0.6b-v3-int8",
                INT8,
                "2bda32ec70b097a55adaa07d9a7173915b43cc78",
            ),
            Export("csukuangfj/sherpa-onnx-nemo-parakeet-tdt-0.6b-v3", FULL),
            Export("grikdotnet/parakeet-tdt-0.6b-fp16", FP16),
        ),
    ),
    ModelEntry(
        name="parakeet-tdt-0.6b-v2",
        head=Head.TDT,
        parameters_m=600,
        languages=ENGLISH,
        mel_bins=128,
        original="nvidia/parakeet-tdt-0.6b-v2",
        exports=(
            Export(
                "istupakov/parakeet-tdt-0.6b-v2-onnx",
                FULL_AND_INT8,
                "0bbb45a3365852604aef28b538a8f066f4ccaa85",
            ),
            Export(
                "csukuangfj/sherpa-onnx-nemo-parakeet-tdt-0.6b-v2-int8",
                INT8,
                "1ab9323565ddb038682214b292f588070a538ce2",
            ),
        ),
    ),
    ModelEntry(
        name="parakeet-tdt-1.1b",
        head=Head.TDT,
        parameters_m=1100,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-tdt-1.1b",
        exports=(Export("OpenVoiceOS/nvidia-parakeet-tdt-1.1b-onnx", FULL_AND_INT8),),
    ),
    ModelEntry(
        name="parakeet-rnnt-0.6b",
        head=Head.RNNT,
        parameters_m=600,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-rnnt-0.6b",
        exports=(Export("istupakov/parakeet-rnnt-0.6b-onnx", FULL_AND_INT8),),
    ),
    ModelEntry(
        name="parakeet-rnnt-1.1b",
        head=Head.RNNT,
        parameters_m=1100,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-rnnt-1.1b",
        exports=(Export("OpenVoiceOS/nvidia-parakeet-rnnt-1.1b-onnx", FULL_AND_INT8),),
    ),
    ModelEntry(
        name="parakeet-ctc-0.6b",
        head=Head.CTC,
        parameters_m=600,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-ctc-0.6b",
        exports=(Export("istupakov/parakeet-ctc-0.6b-onnx", FULL_AND_INT8),),
    ),
    ModelEntry(
        name="parakeet-ctc-1.1b",
        head=Head.CTC,
        parameters_m=1100,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-ctc-1.1b",
        exports=(
            Export(
                "OpenVoiceOS/nvidia-parakeet-ctc-1.1b-onnx",
                FULL_AND_INT8,
                "3ca664a2f106622d599052b4e4ecee5fdfc7e2e5",
            ),
        ),
    ),
    ModelEntry(
        name="parakeet-tdt_ctc-110m",
        head=Head.TDT,
        parameters_m=110,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-tdt_ctc-110m",
        exports=(
            Export("OpenVoiceOS/nvidia-parakeet-tdt_ctc-110m-onnx", FULL_AND_INT8),
            Export(
                "csukuangfj/sherpa-onnx-nemo-parakeet_tdt_transducer_110m-en-36000",
                FULL,
                "e9bea5a06247dc3f55319ff23d34b0328f2f5ddf",
            ),
            Export(
                "csukuangfj/sherpa-onnx-nemo-parakeet_tdt_ctc_110m-en-36000",
                FULL,
                "3af92f152d32c836acabf38f4c993bc96b80eb2d",
                Head.CTC,
            ),
        ),
    ),
    ModelEntry(
        name="parakeet-tdt_ctc-1.1b",
        head=Head.TDT,
        parameters_m=1100,
        languages=ENGLISH,
        mel_bins=80,
        original="nvidia/parakeet-tdt_ctc-1.1b",
    ),
)

_SHORT = {
    "parakeet": "parakeet-tdt-0.6b-v3",
    "parakeet-v2": "parakeet-tdt-0.6b-v2",
    "parakeet-v3": "parakeet-tdt-0.6b-v3",
    "v2": "parakeet-tdt-0.6b-v2",
    "v3": "parakeet-tdt-0.6b-v3",
}


def _normal(name: str) -> str:
    """Return the form in which names are compared: any case, and `_` equal to `-`."""
    return name.strip().lower().replace("_", "-")


def _keys() -> dict[str, ModelEntry]:
    by_name = {entry.name: entry for entry in CATALOG}
    keys = {_normal(short): by_name[name] for short, name in _SHORT.items()}
    for entry in CATALOG:
        # The bare name, NVIDIA's id, and the `nemo-…` name that other ONNX tools use.
        for name in (entry.name, entry.original, f"nemo-{entry.name}"):
            keys[_normal(name)] = entry
    return keys


_BY_KEY = _keys()
_BY_REPO = {export.repo.lower(): (entry, export) for entry in CATALOG for export in entry.exports}


def find(name: str) -> ModelEntry | None:
    """Return the entry of a catalogue name, an alias or NVIDIA's hub id; None if there is none."""
    return _BY_KEY.get(_normal(name))


def find_export(repo: str) -> tuple[ModelEntry, Export] | None:
    """Return entry and export of a published ONNX repository's hub id."""
    return _BY_REPO.get(repo.strip().lower())


def names() -> tuple[str, ...]:
    """Return every name of the catalogue, the built-in model's first."""
    return (BUILTIN_NAME, *(entry.name for entry in CATALOG))


def near_names(name: str, count: int = 3) -> tuple[str, ...]:
    """Return names of the catalogue that are similar to a misspelt one, the nearest first."""
    wanted = _normal(name).rsplit("/", maxsplit=1)[-1]
    pool = {_normal(known): known for known in names()}
    pool.update({short: entry for short, entry in _SHORT.items() if len(short) > 3})
    matches = difflib.get_close_matches(wanted, list(pool), n=count + 2, cutoff=0.55)
    return tuple(dict.fromkeys(pool[match] for match in matches))[:count]
