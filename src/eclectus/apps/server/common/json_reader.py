"""Reads JSON that strangers send: never endless, never bottomless."""

from __future__ import annotations

import json
from typing import Any

from eclectus.apps.server.common.wire_errors import HttpError

LONGEST = 1 << 16
"""Characters or bytes of a message that carries no audio."""
_DEEPEST = 32
_MOST_VALUES = 2_000
"""Of a long message, which carries audio in a few of them: each value takes a hundred bytes."""


def read_json(text: str | bytes, longest: int = LONGEST) -> Any:
    """Read a JSON value.

    Args:
        text: As it came.
        longest: Most characters or bytes.

    Raises:
        HttpError: 400, it is no JSON, too long, or nested too deep.
    """
    if len(text) > longest:
        raise _refusal(f"is longer than {longest}")
    if len(text) > LONGEST and _commas(text) > _MOST_VALUES:
        raise _refusal(f"has more than {_MOST_VALUES} values")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal("is not JSON") from error
    if _is_deeper(value, _DEEPEST):
        raise _refusal(f"is nested deeper than {_DEEPEST}")
    return value


def read_object(text: str | bytes, longest: int = LONGEST) -> dict[str, Any]:
    """Read a JSON object, as `read_json`.

    Raises:
        HttpError: 400, it is something else.
    """
    value = read_json(text, longest)
    if not isinstance(value, dict):
        raise _refusal("is not a JSON object")
    return value


def _refusal(what: str) -> HttpError:
    return HttpError(400, f"the message {what}", code="invalid_json")


def _commas(text: str | bytes) -> int:
    if isinstance(text, str):
        return sum(text.count(sign) for sign in ",[{")
    return sum(text.count(sign) for sign in (b",", b"[", b"{"))


def _is_deeper(value: Any, deepest: int) -> bool:
    """Whether more containers than that stand in one another; level by level."""
    level = _containers([value])
    for _ in range(deepest):
        level = [one for outer in level for one in _containers(outer)]
    return bool(level)


def _containers(outer: Any) -> list[Any]:
    inner = outer.values() if isinstance(outer, dict) else outer
    return [one for one in inner if isinstance(one, dict | list)]
