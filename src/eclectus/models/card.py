"""Reads `config.json`: onnx-asr's three keys, and ours that it ignores.

::

    {"model_type": "nemo-conformer-tdt", "features_size": 128, "subsampling_factor": 8,
     "name": "…", "languages": ["en"], "durations": [0, 1, 2, 3, 4], "max_window_s": 400,
     "tail_frames": 1}

Every key may be missing or null: the graphs say the rest. A value that no model can have is refused
here, with the file and the key; whether it is this model's is for `eclectus.models.evidence`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclectus.core.errors import IncompatibleModelError, ModelFilesError
from eclectus.core.model_config import Head
from eclectus.core.regular_files import read_bounded
from eclectus.networks.presence import check_present

_PREFIX = "nemo-conformer-"
_MAX_BYTES = 4 * 1024 * 1024
_MOST_MEL_BINS = 1024
_MOST_SUBSAMPLING = 64
_LONGEST_NAME = 200
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_LONGEST_DURATION = 1_000
_MOST_DURATIONS = 1_000
_SHORTEST_WINDOW_S, _LONGEST_WINDOW_S = 1, 86_400
_MOST_TAIL_FRAMES = 100


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
        ModelFilesError: The file is no JSON object, or a value is impossible.
        IncompatibleModelError: It describes another kind of model.
    """
    if not path.exists():
        return Card()
    check_present(path)
    values = _Values(path, _load(path))
    return Card(
        head=values.head("model_type"),
        mel_bins=values.whole("features_size", 1, _MOST_MEL_BINS),
        subsampling=values.whole("subsampling_factor", 1, _MOST_SUBSAMPLING),
        name=values.text("name"),
        languages=values.languages("languages"),
        durations=values.durations("durations"),
        max_window_s=values.seconds("max_window_s"),
        tail_frames=values.whole("tail_frames", 0, _MOST_TAIL_FRAMES),
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        loaded = json.loads(read_bounded(path, _MAX_BYTES))
    except OSError as error:
        raise _wrong(path, str(error.strerror or error)) from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, f"it is no JSON ({error})") from error
    if not isinstance(loaded, dict):
        raise _wrong(path, "it is no JSON object")
    return loaded


class _Values:
    """The values of the file, each checked as it is taken; None where a key is missing or null."""

    def __init__(self, path: Path, values: dict[str, Any]) -> None:
        self._path = path
        self._values = values

    def head(self, key: str) -> Head | None:
        value = self._values.get(key)
        if value is None:
            return None
        if isinstance(value, str) and value.startswith(_PREFIX):
            kind = value.removeprefix(_PREFIX)
            if kind in tuple(Head):
                return Head(kind)
        possible = ", ".join(f"{_PREFIX}{head}" for head in Head)
        raise IncompatibleModelError(
            f'{self._path}: "{key}" {_shown(value)} is not a Parakeet model that eclectus runs '
            f"({possible}).",
            path=str(self._path),
            key=key,
            model_type=_shown(value),
        )

    def whole(self, key: str, least: int, most: int) -> int | None:
        wanted = f"a whole number from {least} to {most}"
        value: int | None = self._checked(key, lambda one: _is_whole(one, least, most), wanted)
        return value

    def seconds(self, key: str) -> float | None:
        wanted = f"a number of seconds from {_SHORTEST_WINDOW_S} to {_LONGEST_WINDOW_S}"
        value = self._checked(key, _is_window, wanted)
        return None if value is None else float(value)

    def text(self, key: str) -> str | None:
        wanted = f"a text of 1 to {_LONGEST_NAME} printable characters"
        value: str | None = self._checked(key, _is_name, wanted)
        return value

    def languages(self, key: str) -> tuple[str, ...]:
        wanted = 'a list of different ISO 639 codes such as "en"'
        return tuple(self._checked(key, _are_languages, wanted) or ())

    def durations(self, key: str) -> tuple[int, ...]:
        wanted = (
            f"a list of frame counts from 0 to {_LONGEST_DURATION}, at least one of them above 0"
        )
        return tuple(self._checked(key, _are_durations, wanted) or ())

    def _checked(self, key: str, is_right: Callable[[Any], bool], wanted: str) -> Any:
        value = self._values.get(key)
        if value is None or is_right(value):
            return value
        raise _wrong(self._path, f'"{key}" must be {wanted}, not {_shown(value)}', key)


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_window(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # False for NaN too.
    return is_number and _SHORTEST_WINDOW_S <= value <= _LONGEST_WINDOW_S  # type: ignore[operator]


def _is_name(value: object) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
        return False
    return value.isprintable() and bool(value.strip())


def _are_languages(value: object) -> bool:
    if not isinstance(value, list):
        return False
    right = all(isinstance(code, str) and _LANGUAGE.fullmatch(code) for code in value)
    return right and len(set(value)) == len(value)


def _are_durations(value: object) -> bool:
    if not isinstance(value, list) or len(value) > _MOST_DURATIONS:
        return False
    right = all(_is_whole(frames, 0, _LONGEST_DURATION) for frames in value)
    # Without one above 0 no token would ever advance. An empty list says nothing.
    return right and (not value or max(value) > 0)


def _shown(value: object) -> str:
    """A value for a message, cut where it is long."""
    text = ascii(value) if not isinstance(value, int) or abs(value) < 10**15 else "a huge number"
    return text if len(text) <= 80 else f"{text[:80]}…"


def _wrong(path: Path, reason: str, key: str | None = None) -> ModelFilesError:
    context = {} if key is None else {"key": key}
    return ModelFilesError(
        f"{path} can't be used: {reason}. Restore it (`eclectus models pull`), or delete it: "
        "what it says is then read from the ONNX files.",
        path=str(path),
        **context,
    )
