"""Reads `config.json`: onnx-asr's three keys, and ours that it ignores.

::

    {"model_type": "nemo-conformer-tdt", "features_size": 128, "subsampling_factor": 8,
     "name": "…", "languages": ["en"], "durations": [0, 1, 2, 3, 4], "max_window_s": 400,
     "tail_frames": 1}

Every key may be missing: the graphs say the rest.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.model_config import Head
from eclectus.models.files import check_present

_PREFIX = "nemo-conformer-"
_MAX_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Card:
    """What the file says; None or empty where it says nothing."""

    head: Head | None = None
    mel_bins: int | None = None
    subsampling: int | None = None
    name: str | None = None
    languages: tuple[str, ...] = ()
    durations: tuple[int, ...] = ()
    max_window_s: float | None = None
    tail_frames: int | None = None


def read_card(path: Path) -> Card:
    """Read a `config.json`; a missing file is an empty card.

    Raises:
        ModelFilesError: The file is no JSON object, or a value has the wrong type.
        IncompatibleModelError: It describes another kind of model.
    """
    if not path.exists():
        return Card()
    check_present(path)
    values = _load(path)
    return Card(
        head=_head(path, values.get("model_type")),
        mel_bins=_positive(path, values, "features_size"),
        subsampling=_positive(path, values, "subsampling_factor"),
        name=_text(path, values, "name"),
        languages=_texts(path, values, "languages"),
        durations=_durations(path, values),
        max_window_s=_seconds(path, values, "max_window_s"),
        tail_frames=_positive(path, values, "tail_frames"),
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise _wrong(path, f"it has more than {_MAX_BYTES} bytes")
        loaded = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"it is no JSON ({error})") from error
    if not isinstance(loaded, dict):
        raise _wrong(path, "it is no JSON object")
    return loaded


def _head(path: Path, value: object) -> Head | None:
    if value is None:
        return None
    if isinstance(value, str) and value.startswith(_PREFIX):
        kind = value.removeprefix(_PREFIX)
        if kind in tuple(Head):
            return Head(kind)
    possible = ", ".join(f"{_PREFIX}{head}" for head in Head)
    raise IncompatibleModelError(
        f"{path}: model_type {value!r} is not a Parakeet model that eclectus runs ({possible}).",
        path=str(path),
        model_type=value,
    )


def _positive(path: Path, values: dict[str, Any], key: str) -> int | None:
    value = values.get(key)
    if value is None or (_is_int(value) and value > 0):
        return value
    raise _wrong(path, f'"{key}" must be a positive whole number, not {value!r}')


def _seconds(path: Path, values: dict[str, Any], key: str) -> float | None:
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    raise _wrong(path, f'"{key}" must be a positive number of seconds, not {value!r}')


def _text(path: Path, values: dict[str, Any], key: str) -> str | None:
    value = values.get(key)
    if value is None or isinstance(value, str):
        return value
    raise _wrong(path, f'"{key}" must be a text, not {value!r}')


def _texts(path: Path, values: dict[str, Any], key: str) -> tuple[str, ...]:
    value = values.get(key, [])
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    raise _wrong(path, f'"{key}" must be a list of texts, not {value!r}')


def _durations(path: Path, values: dict[str, Any]) -> tuple[int, ...]:
    value = values.get("durations", [])
    if isinstance(value, list) and all(_is_int(item) and item >= 0 for item in value):
        return tuple(value)
    raise _wrong(path, f'"durations" must be a list of frame counts, not {value!r}')


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong(path: Path, reason: str) -> ModelFilesError:
    return ModelFilesError(
        f"{path} can't be used: {reason}. Restore it (`eclectus models pull`), or delete it: "
        "what it says is then read from the ONNX files.",
        path=str(path),
    )
