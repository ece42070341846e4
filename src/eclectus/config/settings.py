"""The settings in force and where each came from.

Precedence: flag, environment, `.env` in the current folder, configuration file, default.
This is the only module that reads the environment.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eclectus.config.schema import Settings, schema, sections
from eclectus.config.sources import (
    CONFIG_VARIABLE,
    SUFFIXES,
    Given,
    read_dotenv,
    read_file,
    read_variables,
)
from eclectus.core.errors import OptionError
from eclectus.core.regular_files import expanded
from eclectus.output.registry import expand_formats
from eclectus.output.template import check_template

DEFAULT_ORIGIN = "default"
MASK = "********"
# Up to the last `@` before the path: a password that is not percent-encoded may hold one.
_PASSWORD = re.compile(r"^([^:/?#]+://[^/?#:]*:)[^/?#]*(@)")


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings with their history.

    Attributes:
        settings: The values in force.
        origins: For each key, where its value stands: a path, a variable, a flag or `default`.
    """

    settings: Settings
    origins: Mapping[str, str]

    def value(self, key: str) -> object:
        """Return the value in force of one key."""
        section, _, name = key.rpartition(".")
        home = getattr(self.settings, section) if section else self.settings
        return getattr(home, name)

    def shown(self, key: str) -> object:
        """Return the value of one key, masked if it is a secret."""
        value = self.value(key)
        return masked(value) if schema()[key].secret and value else value

    def is_set(self, *keys: str) -> bool:
        """Return whether somebody set any of the keys."""
        return any(self.origins[key] != DEFAULT_ORIGIN for key in keys)


def masked(value: object) -> object:
    """Hide a secret; of an address only the password, which is all that is secret in it."""
    if isinstance(value, str) and "://" in value:
        return _PASSWORD.sub(rf"\g<1>{MASK}\g<2>", value)
    return MASK


def load_settings(
    flags: Sequence[Given] = (),
    *,
    config: Path | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> LoadedSettings:
    """Put all layers together.

    Args:
        flags: What the command line gave, `origin` being the flag.
        config: The configuration file; None for `ECLECTUS_CONFIG`, then the default places.
        environ: Variables; None for those of the process.
        folder: Where `.env` and `eclectus.toml` are looked for; None for the current folder.

    Raises:
        OptionError: A key is unknown or a value impossible; the message has the place and what
            is possible.
    """
    environ = os.environ if environ is None else environ  # noqa: TID251 - the one place
    folder = folder or Path()
    layers: list[Given] = []
    for path in config_files(config, environ, folder):
        layers += read_file(path)
    dotenv = folder / ".env"
    if dotenv.is_file():
        layers += read_variables(read_dotenv(dotenv), ".env: ")
    layers += read_variables(environ)
    layers += flags
    return _resolve(layers)


def config_files(
    config: Path | None, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> list[Path]:
    """Return the configuration files that count, the strongest last.

    A file that is named is the only one; without one, the user's file and then the one in the
    current folder, as far as they exist.

    Raises:
        OptionError: The named file does not exist, or one place has two files.
    """
    environ = os.environ if environ is None else environ  # noqa: TID251 - the one place
    named = config or (Path(value) if (value := environ.get(CONFIG_VARIABLE)) else None)
    if named is not None:
        return [_existing(expanded(named))]
    candidates = default_places(environ, folder or Path())
    return [path for place in candidates if (path := _only_file(place)) is not None]


def default_places(
    environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> list[Path]:
    """Return the default places without suffix: in the user's folder, in the current folder."""
    environ = os.environ if environ is None else environ  # noqa: TID251 - the one place
    if sys.platform == "win32":
        base = environ.get("APPDATA", "~")
    else:
        base = environ.get("XDG_CONFIG_HOME") or "~/.config"
    return [_home(Path(base), environ) / "eclectus" / "eclectus", (folder or Path()) / "eclectus"]


def _home(path: Path, environ: Mapping[str, str]) -> Path:
    if path.parts[:1] != ("~",):
        return path
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(home, *path.parts[1:]) if home else expanded(path)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise OptionError(f"there is no configuration file {path}", path=str(path))
    return path


def _only_file(place: Path) -> Path | None:
    found = [path for suffix in SUFFIXES if (path := place.with_suffix(suffix)).is_file()]
    if len(found) > 1:
        names = " and ".join(str(path) for path in found)
        raise OptionError(f"{names} both exist; keep one, or name one with --config")
    return found[0] if found else None


def _resolve(layers: Iterable[Given]) -> LoadedSettings:
    last = {given.key: given for given in layers}
    origins = {key: last[key].origin if key in last else DEFAULT_ORIGIN for key in schema()}
    values: dict[str, dict[str, Any]] = {"": {}}
    for given in last.values():
        section, _, name = given.key.rpartition(".")
        values.setdefault(section, {})[name] = convert(given)
    built = {
        name: _build(home.type, values.get(name, {}), name, origins)
        for name, home in sections().items()
    }
    loaded = LoadedSettings(Settings(**values[""], **built), origins)
    _check_results(loaded)
    return loaded


def _check_results(loaded: LoadedSettings) -> None:
    """Refuse names of results that are impossible: only here are the formats known."""
    output = loaded.settings.output
    for key, check in (
        ("output.formats", lambda: expand_formats(output.formats)),
        ("output.template", lambda: check_template(output.template)),
    ):
        try:
            check()
        except OptionError as error:
            raise OptionError(f"{loaded.origins[key]}: {error}", **error.context) from error


def convert(given: Given) -> object:
    """Turn what was written for one key into a value of its type.

    Raises:
        OptionError: It is no such value; the message has the place and what is possible.
    """
    place = f"{given.origin}: {given.key}"
    value = given.value.strip() if isinstance(given.value, str) else given.value
    return schema()[given.key].option.convert(value, place)


def _build(kind: type, values: Mapping[str, Any], section: str, origins: Mapping[str, str]) -> Any:
    """Build a section; values that are impossible together are reported with where they stand."""
    try:
        return kind(**values)
    except OptionError as error:
        names = error.context.get("options")
        keys = [f"{section}.{name}" for name in names] if isinstance(names, tuple) else []
        places = [f"{key} ({origins[key]})" for key in keys if origins[key] != DEFAULT_ORIGIN]
        raise OptionError(f"{' and '.join(places)}: {error}", **error.context) from error
