"""Recognises NeMo's own archive, so that an error message can say what to do with it.

A `.nemo` is a tar, plain or compressed with gzip, of `model_config.yaml`, `model_weights.ckpt` and
the tokenizer's files. Only the configuration is read; nothing is unpacked.
"""

from __future__ import annotations

import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

CONFIG_MEMBER = "model_config.yaml"
MAX_CONFIG_BYTES = 8 * 1024 * 1024
# A compressed archive has to be read through to reach a late member; this much and no more.
MAX_SCANNED_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class NemoFacts:
    """What an archive says about itself; None where it does not say.

    Attributes:
        target: Dotted class name of the NeMo model.
        mel_bins: Size of the features.
        whole: False if the file is no readable tar (cut off, or something else with that suffix).
    """

    target: str | None = None
    mel_bins: int | None = None
    whole: bool = True

    @property
    def kind(self) -> str:
        """The class's last name, for messages."""
        return self.target.rsplit(".", maxsplit=1)[-1] if self.target else "NeMo model"


def is_nemo(path: Path) -> bool:
    """Whether a path is a file that carries NeMo's suffix."""
    return path.suffix.lower() == ".nemo" and path.is_file()


def read_nemo(path: Path) -> NemoFacts:
    """Read the facts of an archive; never raises for its content."""
    try:
        text = _config_text(path)
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return NemoFacts(whole=False)
    return _facts(text) if text is not None else NemoFacts()


def _config_text(path: Path) -> str | None:
    with tarfile.open(path, mode="r:*") as archive:
        compressed = _is_gzip(path)
        for member in archive:
            if PurePosixPath(member.name).name == CONFIG_MEMBER and member.isfile():
                stream = archive.extractfile(member)
                data = stream.read(MAX_CONFIG_BYTES) if stream is not None else b""
                return data.decode("utf-8", errors="replace")
            if compressed and member.offset + member.size > MAX_SCANNED_BYTES:
                return None
    return None


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _facts(text: str) -> NemoFacts:
    import yaml

    try:
        loaded: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return NemoFacts()
    if not isinstance(loaded, dict):
        return NemoFacts()
    target = loaded.get("target")
    preprocessor = loaded.get("preprocessor")
    bins = preprocessor.get("features") if isinstance(preprocessor, dict) else None
    return NemoFacts(
        target=target if isinstance(target, str) else None,
        mel_bins=bins if isinstance(bins, int) else None,
    )
