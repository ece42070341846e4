"""Recognises NeMo's own archive, so that an error message can say what to do with it.

A `.nemo` is a tar, plain or compressed with gzip, of `model_config.yaml`, `model_weights.ckpt` and
the tokenizer's files. Only the configuration is read; nothing is unpacked.
"""

from __future__ import annotations

import gzip
import io
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from eclectus.core.regular_files import open_regular

CONFIG_MEMBER = "model_config.yaml"
MAX_CONFIG_BYTES = 1024 * 1024
"""NeMo's own are some 100 kB; a parser in Python takes a second for this."""
MAX_MEMBERS = 10_000
MAX_READ_BYTES = 64 * 1024 * 1024
_TARGET = re.compile(r"[A-Za-z_][\w.]{0,199}")
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
        with open_regular(path) as file:
            text = _config_text(file)
    except Exception:  # noqa: BLE001 - whatever tarfile makes of hostile bytes
        return NemoFacts(whole=False)
    return _facts(text) if text is not None else NemoFacts()


class _Bounded(io.RawIOBase):
    """A file of which nobody reads much at once: headers of a tar may claim to be gigabytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = MAX_READ_BYTES

    def read(self, size: int = -1) -> bytes:
        self._left -= size
        if not 0 <= size <= MAX_CONFIG_BYTES or self._left < 0:
            raise OSError(f"the archive asks for {size} bytes more")
        return self._file.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _config_text(file: BinaryIO) -> str | None:
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(0)
    plain = cast(BinaryIO, gzip.GzipFile(fileobj=file)) if compressed else file
    # Only these two forms: xz and bzip2 would have to be read whole to find a member.
    with tarfile.open(fileobj=_Bounded(plain), mode="r:") as archive:
        for count, member in enumerate(archive):
            # The archive remembers its members; a million empty ones are a bomb too.
            archive.members = []  # type: ignore[attr-defined] # nothing public clears it
            if PurePosixPath(member.name).name == CONFIG_MEMBER and member.isfile():
                stream = archive.extractfile(member)
                data = stream.read(MAX_CONFIG_BYTES) if stream is not None else b""
                return data.decode("utf-8", errors="replace")
            if count >= MAX_MEMBERS:
                return None
            if compressed and member.offset + member.size > MAX_SCANNED_BYTES:
                return None
    return None


def _facts(text: str) -> NemoFacts:
    import yaml

    try:
        # Every scalar stays text: no number is too large and no date impossible.
        loaded: Any = yaml.load(text, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        return NemoFacts()
    if not isinstance(loaded, dict):
        return NemoFacts()
    target = loaded.get("target")
    preprocessor = loaded.get("preprocessor")
    bins = preprocessor.get("features") if isinstance(preprocessor, dict) else None
    return NemoFacts(
        target=target if isinstance(target, str) and _TARGET.fullmatch(target) else None,
        mel_bins=int(bins) if isinstance(bins, str) and re.fullmatch(r"\d{1,4}", bins) else None,
    )
