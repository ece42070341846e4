"""Names of output files from a template and the facts of a source."""

from __future__ import annotations

import datetime as dt
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import Any

from eclectus.core.errors import OptionError

# Separators, control characters, and what Windows forbids in a name.
_UNSAFE = re.compile(r'[/\\:*?"<>|\x00-\x1f\x7f]+')


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFields:
    """What a template may name.

    Attributes:
        parent: Name of the folder that the source is in.
        filename: The source's name without its suffix.
        index: Position of the source in the list, from 1.
        date: Of the run, written as in ISO 8601 unless a form is given (`{date:%Y%m%d}`).
        model: Name of the model.
    """

    parent: str
    filename: str
    index: int
    date: dt.date
    model: str

    @classmethod
    def of_source(
        cls, source: str | Path, *, index: int, model: str, day: dt.date
    ) -> TemplateFields:
        """Take the names from a path; `-` (standard input) is called `stdin`."""
        path = Path("stdin" if str(source) == "-" else source)
        parent = path.absolute().parent.name
        return cls(parent=parent, filename=path.stem, index=index, date=day, model=model)


PLACEHOLDERS = tuple(field.name for field in fields(TemplateFields))


def expand_template(template: str, values: TemplateFields) -> PurePath:
    """Fill a template such as `{date}/{filename}-{index:03d}`.

    A `/` in the template makes folders; in a value it becomes `_`, so that no value leads out
    of the output folder.

    Returns:
        A relative path without suffix; `add_suffix` completes it.

    Raises:
        OptionError: A placeholder is unknown, the template is malformed, or the path is empty,
            absolute or leads upwards.
    """
    mapping = {name: _safe(getattr(values, name)) for name in PLACEHOLDERS}
    try:
        filled = _Strict().vformat(template, (), mapping)
    except (ValueError, TypeError) as error:
        if isinstance(error, OptionError):
            raise
        raise _refusal(template, f"it is malformed ({error})") from error
    parts = [part for part in filled.split("/") if part not in {"", "."}]
    if template.startswith("/") or PurePath(*parts).is_absolute() or PurePath(*parts).drive:
        raise _refusal(template, "it is an absolute path; choose the folder with --output-dir")
    if ".." in parts:
        raise _refusal(template, "it leads out of the output folder")
    if not parts:
        raise _refusal(template, "it gives an empty name")
    return PurePath(*parts)


def check_template(template: str) -> None:
    """Refuse a template that no source could fill.

    Raises:
        OptionError: As `expand_template`.
    """
    sample = TemplateFields(
        parent="parent", filename="file", index=1, date=dt.date(2000, 1, 1), model="model"
    )
    expand_template(template, sample)


def add_suffix(path: PurePath, suffix: str) -> PurePath:
    """Append `.suffix` to the name; dots that are already in it stay."""
    return path.with_name(f"{path.name}.{suffix}")


class _Strict(string.Formatter):
    """Fills plain names only: no positions, attributes or items."""

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        del args  # positions are not known here
        if field_name not in kwargs:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise OptionError(
                f"There is no placeholder {{{field_name}}} in templates; there are {known}.",
                placeholder=field_name,
            )
        return kwargs[field_name], field_name


def _safe(value: object) -> object:
    if not isinstance(value, str):
        return value
    cleaned = _UNSAFE.sub("_", value)
    return "_" if cleaned in {".", ".."} else cleaned


def _refusal(template: str, reason: str) -> OptionError:
    return OptionError(
        f"The output template {template!r} can't be used: {reason}. "
        "An example that can: '{date}/{filename}'.",
        template=template,
    )
