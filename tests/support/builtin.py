"""The model that the package ships, as a folder that tests may change."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import eclectus

BUILTIN = Path(eclectus.__file__).parent / "models" / "builtin" / "tiny"


def copy_builtin(
    folder: Path, *, languages: list[str] | None = None, pieces: Mapping[str, str] | None = None
) -> Path:
    """Copy the model; its card may name other languages, its vocabulary have other pieces."""
    shutil.copytree(BUILTIN, folder)
    card = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    card["languages"] = languages or card["languages"]
    (folder / "config.json").write_text(json.dumps(card), encoding="utf-8")
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    renamed = [_renamed(line, pieces or {}) for line in lines]
    (folder / "vocab.txt").write_text("\n".join(renamed) + "\n", encoding="utf-8")
    return folder


def _renamed(line: str, pieces: Mapping[str, str]) -> str:
    piece, _, number = line.rpartition(" ")
    return f"{pieces.get(piece, piece)} {number}"
