"""Where settings are written down: files, `.env` files and variables, each as a list of `Given`."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from pathlib import Path

from eclectus.config.aliases import ALIASES
from eclectus.config.ears_file import is_ears, read_ears
from eclectus.config.schema import PREFIX, schema, sections
from eclectus.core.errors import OptionError

CONFIG_VARIABLE = f"{PREFIX}CONFIG"
SUFFIXES = (".toml", ".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class Given:
    """One value as somebody wrote it.

    Attributes:
        key: The setting.
        value: Not yet converted.
        origin: Where it stands, for people: a path, a variable, a flag.
    """

    key: str
    value: object
    origin: str


def near(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` with the nearest names, or nothing."""
    names = get_close_matches(name, list(known), n=3, cutoff=0.6)
    likeness = [SequenceMatcher(None, name, other).ratio() for other in names]
    names = [
        other for other, ratio in zip(names, likeness, strict=True) if ratio > likeness[0] - 0.1
    ]
    return f"; did you mean {' or '.join(names)}?" if names else ""


# Files


def read_file(path: Path) -> list[Given]:
    """Read a TOML, YAML or JSON file, or the `config.toml` of eaRS.

    Raises:
        OptionError: It can't be read, is no mapping, or has an unknown key.
    """
    tree = _parse(path, _text(path))
    if tree is None:
        return []
    if not isinstance(tree, dict):
        raise OptionError(
            f"{path}: settings are a table of names and values, not a {type(tree).__name__}",
            path=str(path),
        )
    if is_ears(tree):
        return [Given(key, value, str(path)) for key, value in read_ears(tree, str(path))]
    return list(_flatten(tree, str(path)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise OptionError(f"{path} can't be read: {reason}", path=str(path)) from error


def _parse(path: Path, text: str) -> object:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise OptionError(
            f"{path}: a configuration file ends in {', '.join(SUFFIXES)}", path=str(path)
        )
    if suffix in {".yaml", ".yml"}:
        return _parse_yaml(path, text)
    try:
        return json.loads(text) if suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise OptionError(f"{path}: {error}", path=str(path)) from error


def _parse_yaml(path: Path, text: str) -> object:
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise OptionError(f"{path}: {error}", path=str(path)) from error


def _flatten(tree: Mapping[object, object], origin: str) -> Iterator[Given]:
    for name, value in tree.items():
        if name in sections() and isinstance(value, dict):
            for inner, leaf in value.items():
                yield _given(f"{name}.{inner}", leaf, origin)
        else:
            yield _given(str(name), value, origin)


def _given(key: str, value: object, origin: str) -> Given:
    if key in sections():
        raise OptionError(f"{origin}: {key} is a section with settings of its own", key=key)
    if key not in schema():
        hint = near(key, [*schema(), *sections()])
        raise OptionError(f"{origin}: there is no setting {key!r}{hint}", key=key, origin=origin)
    return Given(key, value, origin)


# Variables


def read_variables(variables: Mapping[str, str | None], where: str = "") -> list[Given]:
    """Read the variables of eclectus and, where those don't say, of other systems.

    Args:
        variables: Name to value; an empty value counts as not set.
        where: Put before the names in messages, such as `.env: `.

    Raises:
        OptionError: A variable of eclectus is unknown, or two aliases contradict each other.
    """
    filled = {name: value for name, value in variables.items() if value}
    own = _own_variables(filled, where)
    return [*_alias_variables(filled, {given.key for given in own}, where), *own]


def _own_variables(variables: Mapping[str, str], where: str) -> list[Given]:
    known = {setting.variable: setting.key for setting in schema().values()}
    found = []
    for name, value in variables.items():
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper == CONFIG_VARIABLE or _is_link(upper, value):
            continue
        if upper not in known:
            raise OptionError(
                f"{where}{name} is no variable of eclectus{_near_variable(upper, known)}",
                variable=name,
            )
        found.append(Given(known[upper], value, where + name))
    return found


def _is_link(name: str, value: str) -> bool:
    """Whether Kubernetes set a variable, for a service whose name begins like ours."""
    if re.search(r"_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)", name):
        return True
    return "_PORT" in name and re.match(r"(tcp|udp|sctp)://", value) is not None


def _near_variable(name: str, known: Iterable[str]) -> str:
    section = name.removeprefix(PREFIX).lower()
    if section in sections():
        return f": {section} is a section; its settings are {name}__…"
    # Without the common prefix, so that likeness is that of the part that can be wrong.
    short = near(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known])
    for one in known:
        short = short.replace(f" {one.removeprefix(PREFIX)}", f" {one}")
    return short


def _alias_variables(variables: Mapping[str, str], taken: set[str], where: str) -> list[Given]:
    found: dict[str, Given] = {}
    for alias in ALIASES:
        if alias.variable not in variables or alias.key in taken:
            continue
        value = _converted(variables[alias.variable], alias.variable, where)
        if alias.key is None:
            continue
        earlier = found.get(alias.key)
        if earlier is not None and earlier.value != value:
            raise OptionError(
                f"{earlier.origin} and {where}{alias.variable} both set {alias.key}, differently; "
                f"keep one, or set {schema()[alias.key].variable}",
                key=alias.key,
            )
        found[alias.key] = Given(alias.key, value, where + alias.variable)
    return list(found.values())


def _converted(value: str, variable: str, where: str) -> str:
    alias = next(alias for alias in ALIASES if alias.variable == variable)
    try:
        return alias.convert(value)
    except OptionError as error:
        raise OptionError(f"{where}{variable}: {error}", variable=variable) from error


def read_dotenv(path: Path) -> Mapping[str, str | None]:
    """Read the variables of a `.env` file, without putting them into the environment.

    Raises:
        OptionError: It can't be read.
    """
    from io import StringIO

    from dotenv import dotenv_values

    return dotenv_values(stream=StringIO(_text(path)), interpolate=False)
