"""What a model's name refers to: the built-in model, a path, or a repository on a hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from eclectus.core.choices import Precision
from eclectus.core.errors import (
    IncompatibleModelError,
    ModelFilesError,
    OptionError,
    UnknownModelError,
)
from eclectus.core.regular_files import expanded
from eclectus.models import catalog
from eclectus.models.catalog import Export, ModelEntry
from eclectus.models.layout import nemo_message
from eclectus.networks.nemo_archive import is_nemo, read_nemo

BUILTIN_FOLDER = Path(__file__).parent / "builtin" / catalog.BUILTIN_NAME
_BUILTIN_NAMES = {catalog.BUILTIN_NAME, "builtin", "eclectus-tiny"}
_HUB_ID = re.compile(
    r"(?P<repo>[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(?P<revision>[\w./-]+))?"
)


@dataclass(frozen=True, slots=True)
class FolderReference:
    """A folder on this machine.

    Attributes:
        path: The folder.
        builtin: True for the model that the package ships.
    """

    path: Path
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class HubReference:
    """A model on a hub.

    Attributes:
        name: The name that is shown to users.
        exports: Repositories that hold it, the preferred first; at least one.
        entry: Its entry in the catalogue, None for other repositories.
    """

    name: str
    exports: tuple[Export, ...]
    entry: ModelEntry | None = None

    def having(self, precision: Precision) -> tuple[Export, ...]:
        """The exports that have a precision, or may have it."""
        if precision is Precision.AUTO:
            return self.exports
        return tuple(
            one for one in self.exports if not one.precisions or precision in one.precisions
        )


Reference = FolderReference | HubReference


def parse(name: str | Path | None) -> Reference:
    """Return what a name refers to.

    None and `tiny` are the built-in model; then come existing paths, names of the catalogue,
    and hub ids (`owner/name`, optionally `@revision`).

    Raises:
        OptionError: It is no text, or an empty one.
        UnknownModelError: It is none of these; the message has the near names.
        ModelFilesError: It looks like a path, and nothing is there.
        IncompatibleModelError: It is a NeMo archive, or a NeMo model without published ONNX files.
    """
    if name is None:
        return FolderReference(BUILTIN_FOLDER, builtin=True)
    if isinstance(name, Path):
        return _from_path(name)
    if not isinstance(name, str) or not name.strip():
        raise OptionError(
            f"a model is a name, a hub id or the path of a folder, not {name!r}", name=name
        )
    if name.lower() in _BUILTIN_NAMES:
        return FolderReference(BUILTIN_FOLDER, builtin=True)
    path = expanded(Path(name))
    if _exists(path):
        return _from_path(path)
    return _from_hub(name)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or a NUL byte: no path
        return False


def _from_path(path: Path) -> FolderReference:
    if is_nemo(path):
        raise IncompatibleModelError(_nemo_advice(path), path=str(path))
    if path.is_file():
        raise ModelFilesError(
            f"{path} is a file; name the folder that holds the model: {path.parent}.",
            path=str(path),
        )
    if not path.is_dir():
        raise ModelFilesError(f"There is no model folder {path}.", path=str(path))
    archive = next(iter(sorted(path.glob("*.nemo"))), None)
    if archive is not None and not any(path.glob("*.onnx")):
        raise IncompatibleModelError(_nemo_advice(archive), path=str(archive))
    return FolderReference(path)


def _nemo_advice(archive: Path) -> str:
    facts = read_nemo(archive)
    entry = catalog.find(archive.stem)
    export = entry.name if entry is not None and entry.exports else None
    content = f"{archive.name}, {facts.kind}" if facts.whole else f"{archive.name}, not a whole tar"
    return nemo_message(str(archive.parent), content, export)


def _from_hub(name: str) -> HubReference:
    match = _HUB_ID.fullmatch(name)
    bare, revision = (match["repo"], match["revision"]) if match else (name, None)
    entry = catalog.find(bare)
    if entry is not None and revision is None:
        return _of_entry(entry)
    if match is not None and not name.startswith((".", "~")):
        known = catalog.find_export(bare)
        if known is not None:
            pinned = known[1] if revision is None else Export(known[1].repo, (), revision)
            return HubReference(bare, (pinned,), known[0])
        return HubReference(bare, (Export(bare, (), revision),))
    raise _unknown(name)


def _of_entry(entry: ModelEntry) -> HubReference:
    if not entry.exports:
        raise IncompatibleModelError(
            f"{entry.name} is known, but no ONNX files of it are: {entry.original} holds a NeMo "
            "archive, which `eclectus models convert` will convert in a later release.",
            name=entry.name,
        )
    return HubReference(entry.name, entry.exports, entry)


def _unknown(name: str) -> ModelFilesError | UnknownModelError:
    if name.startswith((".", "~", "/")) or "\\" in name or name.count("/") > 1:
        return ModelFilesError(f"There is no model folder {name}.", path=name)
    near = catalog.near_names(name)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return UnknownModelError(
        f"There is no model {name!r}. {hint}"
        "`eclectus models list` shows the names; a folder or a hub id (owner/name) works too.",
        name=name,
        near=list(near),
    )
