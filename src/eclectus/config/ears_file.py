"""An existing configuration of eaRS (`config.toml`), read as settings of eclectus."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from eclectus.models.layout import VOCABULARIES

LOG = logging.getLogger(__name__)
_SECTION = "storage"
"""Every configuration of eaRS has it, with one of these, which eclectus does not know there."""
_MARKS = {"model_dir", "ref_audio"}
_SERVER = {"websocket_port": "server.port", "host": "server.host"}
_TOKENS = ("enable_listener_mode", "listener_tokens")


def is_ears(tree: Mapping[object, object]) -> bool:
    """Whether a parsed file is a configuration of eaRS."""
    section = tree.get(_SECTION)
    return isinstance(section, dict) and not _MARKS.isdisjoint(section)


def read_ears(tree: Mapping[object, object], origin: str) -> Iterator[tuple[str, object]]:
    """Yield the keys of eclectus with their values.

    What eaRS alone knows is passed over and named in one log line.

    Args:
        tree: The parsed file.
        origin: Its path, for messages.
    """
    server = _table(tree, "server")
    for name, key in _SERVER.items():
        if name in server:
            yield key, server[name]
    if server.get("enable_listener_mode") is True and server.get("listener_tokens"):
        yield "server.listener_tokens", server["listener_tokens"]
    model = _model(tree)
    if model is not None:
        yield "model", str(model)
    unused = sorted(_unused(tree, model_found=model is not None))
    if unused:
        LOG.warning("%s is a configuration of eaRS; not used: %s", origin, ", ".join(unused))


def _table(tree: Mapping[object, object], name: str) -> Mapping[object, object]:
    table = tree.get(name)
    return table if isinstance(table, dict) else {}


def _model(tree: Mapping[object, object]) -> Path | None:
    """Find the folder of a Parakeet model: the one that is named, or one in eaRS' own folder."""
    named = _table(tree, "parakeet").get("model_path")
    if isinstance(named, str):
        return Path(named).expanduser()
    home = _table(tree, _SECTION).get("model_dir")
    if not isinstance(home, str):
        return None
    folder = Path(home).expanduser()
    inside = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [one for one in (folder, *inside) if _holds_parakeet(one)]
    return found[0] if found else None


def _holds_parakeet(folder: Path) -> bool:
    graphs = any(folder.glob("encoder*.onnx")) if folder.is_dir() else False
    return graphs and any((folder / name).is_file() for name in VOCABULARIES)


def _unused(tree: Mapping[object, object], *, model_found: bool) -> Iterator[str]:
    for name in map(str, tree):
        if name == "server":
            known = (*_SERVER, *_TOKENS)
            yield from (f"server.{key}" for key in _table(tree, name) if key not in known)
        elif name not in (_SECTION, "parakeet"):
            yield name
    if not model_found:
        yield "storage.model_dir (it holds no Parakeet model; give --model)"
