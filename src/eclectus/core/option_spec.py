"""How an option is declared, and what a value of it may be.

One line declares an option: its default, its meaning, its bounds and its flag. Everything else
follows from that line: construction checks and converts, and the command line, the environment,
configuration files, the help and the reference read the same declaration.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class BatchOptions(Options):
        size: int = option(16, "Windows per batch at most.", least=1, flag="--batch-size")

Standard library only, and nothing here reads docstrings: they are absent under `python -OO`.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from functools import cache
from operator import index
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from eclectus.core.errors import OptionError

Chosen = TypeVar("Chosen", bound="Options")

_METADATA = "eclectus"
_MOST = 1e9
"""The bound of a number that has no other: 30 years in seconds."""
_NONE_WORDS = {"none", "null"}
_SWITCH_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


class Kind(Enum):
    """What sort of value an option has; the value is how a message names it."""

    SWITCH = "true or false"
    INTEGER = "a whole number"
    NUMBER = "a number"
    TEXT = "text that is not empty"
    TEXTS = "texts, separated by commas"
    CHOICE = "one of a few names"
    SECTION = "options of its own"


@dataclass(frozen=True, slots=True)
class Declared:
    """What `option` was called with."""

    help: str
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    unit: str = ""
    flag: str = ""
    metavar: str = ""
    secret: bool = False
    path: bool = False


def option(default: Any, help: str, **declared: Any) -> Any:  # noqa: A002 - the field's term
    """Declare one option of a class that derives from `Options`.

    Args:
        default: The value of an option that is not given.
        help: What it means; the first sentence is the help of its flag.
        **declared: `least` and `most` (inclusive) or `above` and `below` (exclusive) bound a
            number; `unit` is `s`, `mb` …; `flag` is how it is typed on the command line, such as
            `--left`, `--output-dir/-o` or `--partials/--no-partials`, and `metavar` stands for its
            value in the help; `secret` keeps the value out of messages;
            `path` makes it a path, in which `~` is the home folder.
    """
    spec = Declared(help, **declared)
    return field(default=default, repr=not spec.secret, metadata={_METADATA: spec})


def section(default: Options, help: str) -> Any:  # noqa: A002 - as above
    """Declare a field that is an `Options` object of its own."""
    return field(default=default, metadata={_METADATA: Declared(help)})


class Options:
    """The base of all option classes: what is constructed is possible, or `OptionError` is raised.

    Text becomes a member of an enumeration or a number, so that a call, a flag, a variable, a file
    and a request give the same answer to the same value.
    """

    __slots__ = ()

    def __post_init__(self) -> None:
        for spec in specs(self.__class__):
            given = getattr(self, spec.name)
            object.__setattr__(self, spec.name, spec.convert(given))
        self.check()

    def check(self) -> None:
        """Refuse values that are impossible together.

        Raises:
            OptionError: They are; `context["options"]` has the names.
        """


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One declared option.

    Attributes:
        owner: Name of the class.
        name: Name of the field.
        kind: The sort of its values.
        type: The enumeration of a choice, the class of a section; `str` otherwise.
        default: The value when nothing is given.
        optional: Whether None is a value.
        declared: Help, bounds, unit and flag.
    """

    owner: str
    name: str
    kind: Kind
    type: type
    default: object
    optional: bool
    declared: Declared

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of a choice."""
        if issubclass(self.type, StrEnum) and self.kind is Kind.CHOICE:
            return tuple(member.value for member in self.type)
        return ()

    @property
    def possible(self) -> str:
        """What a value may be, for messages and for the reference."""
        if self.kind is Kind.CHOICE:
            text = ", ".join(self.choices)
        elif self.kind is Kind.SECTION:
            text = f"an object of {self.type.__name__}"
        else:
            text = self.kind.value + self._bounds()
        return f"{text}, or none" if self.optional else text

    @property
    def lowest(self) -> tuple[float, bool] | None:
        """The lower bound of a number and whether it is itself allowed."""
        if self.kind not in (Kind.INTEGER, Kind.NUMBER):
            return None
        declared = self.declared
        if declared.above is not None:
            return declared.above, False
        return (0.0 if declared.least is None else declared.least), declared.least is not None

    @property
    def highest(self) -> tuple[float, bool] | None:
        """The upper bound of a number and whether it is itself allowed."""
        if self.kind not in (Kind.INTEGER, Kind.NUMBER):
            return None
        if self.declared.below is not None:
            return self.declared.below, False
        return (_MOST if self.declared.most is None else self.declared.most), True

    def convert(self, value: object, place: str | None = None) -> object:
        """Return a value of the option's type.

        Args:
            value: What was given, of any type.
            place: Names the option in the message; None for `Class.field`.

        Raises:
            OptionError: It is no such value; the message says what is possible.
        """
        if value is None or (isinstance(value, str) and self._is_none_word(value)):
            if self.optional:
                return None
            raise self._refusal(value, place)
        try:
            converted = self._converted(value)
            possible = self._in_range(converted)
        except Exception as error:
            if self.declared.secret:
                raise self._refusal(value, place) from None
            raise self._refusal(value, place) from error
        if not possible:
            raise self._refusal(value, place)
        return converted

    def _converted(self, value: Any) -> object:
        if self.kind is Kind.SECTION:
            if not isinstance(value, self.type):
                raise TypeError(value)
            return value
        return _CONVERTERS[self.kind](self, value)

    def _is_none_word(self, text: str) -> bool:
        return self.optional and text.strip().lower() in _NONE_WORDS

    def _in_range(self, value: Any) -> bool:
        if self.lowest is None or self.highest is None:
            return True
        (low, with_low), (high, with_high) = self.lowest, self.highest
        return (
            math.isfinite(value)
            and (value >= low if with_low else value > low)
            and (value <= high if with_high else value < high)
        )

    def _bounds(self) -> str:
        if self.lowest is None or self.highest is None:
            return ""
        (low, with_low), (high, with_high) = self.lowest, self.highest
        if with_low and with_high:
            return f" from {_plain(low)} to {_plain(high)}"
        first = f" from {_plain(low)}" if with_low else f" that is more than {_plain(low)}"
        return f"{first} and {'at most' if with_high else 'less than'} {_plain(high)}"

    def _refusal(self, value: object, place: str | None) -> OptionError:
        shown = "********" if self.declared.secret else _shown(value)
        return OptionError(
            f"{place or f'{self.owner}.{self.name}'} can't be {shown}: "
            f"it should be {self.possible}",
            option=self.name,
        )


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - as above
        text = f"an object of {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}…"


def _to_switch(_: OptionSpec, value: Any) -> bool:
    if isinstance(value, str):
        word = value.strip().lower()
        return _SWITCH_WORDS[word] if word in _SWITCH_WORDS else _raise(value)
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise TypeError(value)


def _to_integer(_: OptionSpec, value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError(value)
    if isinstance(value, str):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return index(value)


def _to_number(_: OptionSpec, value: Any) -> float:
    if isinstance(value, bool | bytes | bytearray):
        raise TypeError(value)
    return float(value)


def _to_text(spec: OptionSpec, value: Any) -> str:
    text = os.fspath(value) if spec.declared.path else value
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise TypeError(value)
    return str(Path(text).expanduser()) if spec.declared.path and text.startswith("~") else text


def _to_texts(_: OptionSpec, value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise TypeError(value)
    return tuple(part.strip() for part in parts if part.strip())


def _to_choice(spec: OptionSpec, value: Any) -> object:
    if isinstance(value, Enum):
        return value if isinstance(value, spec.type) else _raise(value)
    if not isinstance(value, str):
        raise TypeError(value)
    return spec.type(value.strip().lower())


def _raise(value: object) -> Any:
    raise TypeError(value)


_CONVERTERS: Mapping[Kind, Any] = {
    Kind.SWITCH: _to_switch,
    Kind.INTEGER: _to_integer,
    Kind.NUMBER: _to_number,
    Kind.TEXT: _to_text,
    Kind.TEXTS: _to_texts,
    Kind.CHOICE: _to_choice,
}
_KINDS: Mapping[object, Kind] = {
    bool: Kind.SWITCH,
    int: Kind.INTEGER,
    float: Kind.NUMBER,
    str: Kind.TEXT,
}


def instance(given: Chosen | None, kind: type[Chosen], name: str) -> Chosen:
    """Return the options of a call, the defaults for None.

    Raises:
        OptionError: The argument is of another type.
    """
    if given is None:
        return kind()
    if not isinstance(given, kind):
        raise OptionError(
            f"{name} takes an object of {kind.__name__}, not {_shown(given)}", option=name
        )
    return given


def specs(owner: type) -> tuple[OptionSpec, ...]:
    """Return the declared options of a class, in order."""
    return _specs(owner)


@cache
def _specs(owner: type) -> tuple[OptionSpec, ...]:
    hints = get_type_hints(owner)
    return tuple(
        _spec(owner, item, hints[item.name]) for item in fields(owner) if _METADATA in item.metadata
    )


def _spec(owner: type, item: dataclasses.Field[Any], hint: object) -> OptionSpec:
    args = get_args(hint)
    optional = NoneType in args
    if optional:
        (hint,) = (one for one in args if one is not NoneType)
    kind, kept = _kind_of(hint)
    return OptionSpec(
        owner.__name__, item.name, kind, kept, item.default, optional, item.metadata[_METADATA]
    )


def _kind_of(hint: object) -> tuple[Kind, type]:
    if get_origin(hint) is tuple:
        return Kind.TEXTS, str
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return Kind.CHOICE, hint
    if isinstance(hint, type) and issubclass(hint, Options):
        return Kind.SECTION, hint
    return _KINDS[hint], str
