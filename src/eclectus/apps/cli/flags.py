"""The flags of the command line, made from the declarations of the settings.

A setting that declares a flag has it in every command that takes its section. A flag has no default
of its own: what is not given comes from the other layers of the settings.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from eclectus.config.schema import LogLevel, Setting, schema, sections
from eclectus.config.settings import LoadedSettings, load_settings
from eclectus.config.sources import Given
from eclectus.core.choices import (
    Precision,
)
from eclectus.core.errors import OptionError
from eclectus.core.option_spec import Kind, OptionSpec
from eclectus.output.registry import listing

_METAVARS = {
    Kind.INTEGER: "N",
    Kind.NUMBER: "X",
    Kind.CHOICE: "NAME",
    Kind.TEXTS: "NAMES",
    Kind.TEXT: "TEXT",
}
_PRECISION = "backend.precision"

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Settings as TOML, YAML or JSON."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log everything, with tracebacks of errors.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Log errors only.")]


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that sets a setting.

    Attributes:
        names: As it is typed, the short form and the opposite of a switch included.
        key: The setting.
        help: For `--help`.
        metavar: Stands for the value; empty for a switch.
        constant: For a switch that stands for one of several values, that value.
        many: Whether it may be repeated.
    """

    names: tuple[str, ...]
    key: str
    help: str
    metavar: str = ""
    constant: str | None = None
    many: bool = False

    @property
    def name(self) -> str:
        """The flag as it is typed, `--no-…` apart."""
        return self.names[0].partition("/")[0]

    @property
    def parameter(self) -> str:
        """The name of the parameter that receives it."""
        return self.name.removeprefix("--").replace("-", "_")

    @property
    def default(self) -> bool | None:
        """What stands for 'not given'."""
        return None if self.constant is None else False

    @property
    def annotation(self) -> Any:
        """Its declaration for Typer; values stay text, which the settings convert."""
        if not self.metavar:
            kind: Any = bool if self.constant is not None else bool | None
            return Annotated[kind, typer.Option(*self.names, help=self.help)]
        kind = list[str] | None if self.many else str | None
        return Annotated[kind, typer.Option(*self.names, metavar=self.metavar, help=self.help)]


def _flag(setting: Setting) -> Flag:
    spec = setting.option
    names = tuple(spec.declared.flag.split("/"))
    help_ = _first_sentence(spec)
    if setting.key == "output.formats":
        help_ = f"{listing(last=' or ')}; several with commas or by repetition."
    if spec.kind is Kind.SWITCH:
        return Flag((spec.declared.flag,), setting.key, help_)
    metavar = spec.declared.metavar or ("SECONDS" if spec.declared.unit == "s" else "")
    metavar = metavar or ("DIR" if spec.declared.path else _METAVARS[spec.kind])
    return Flag(names, setting.key, help_, metavar, many=spec.kind is Kind.TEXTS)


def _first_sentence(spec: OptionSpec) -> str:
    text = spec.declared.help.partition(". ")[0].rstrip(".").replace("`", "")
    return f"{text}: {', '.join(spec.choices)}." if spec.choices else f"{text}."


def _precisions() -> Iterator[Flag]:
    for one in Precision:
        if one != Precision.AUTO:
            yield Flag((f"--{one}",), _PRECISION, f"Use the {one} weights.", constant=one)


def flags_of(*keys: str) -> Mapping[str, Flag]:
    """Return the flags of settings by the names of their parameters, in order.

    Args:
        *keys: Settings, or sections, which stand for all settings in them that have a flag.
    """
    found: list[Flag] = []
    for key in keys:
        for setting in schema().values():
            if key not in (setting.key, setting.key.rpartition(".")[0]):
                continue
            if setting.key == _PRECISION:
                found.extend(_precisions())
            elif setting.option.declared.flag:
                found.append(_flag(setting))
    return {flag.parameter: flag for flag in found}


FLAGS: Mapping[str, Flag] = flags_of(
    "model", "language", "backend", "audio", "long_form", "batch", "segments", "subtitles", "output"
)
STREAM_FLAGS: Mapping[str, Flag] = flags_of(
    "live", "endpoint", "model", "language", "backend", "audio", "segments", "subtitles", "output"
)
SERVE_FLAGS: Mapping[str, Flag] = flags_of(
    "server",
    "model",
    "language",
    "backend",
    "audio.decoder",
    "batch",
    "live.left_s",
    "live.chunk_s",
    "live.right_s",
    "endpoint.silence_s",
)
QUEUE_FLAGS: Mapping[str, Flag] = flags_of("queue.url", "storage")
WORKER_FLAGS: Mapping[str, Flag] = flags_of(
    "queue", "storage", "model", "language", "backend", "batch"
)
SUBMIT_FLAGS: Mapping[str, Flag] = flags_of(
    "queue.url", "storage", "language", "output.formats", "output.timestamps", "output.overwrite"
)
ALL_FLAGS: Mapping[str, Flag] = flags_of("model", "language", *sections())
GENERAL: Mapping[str, tuple[Any, object]] = {
    "config": (Config, None),
    "verbose": (Verbose, False),
    "quiet": (Quiet, False),
}


def with_settings(
    names: Mapping[str, Flag] = FLAGS,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the flags of settings; it receives `loaded` instead of them.

    The command's own parameters come first. It also gets the general flags `--config`,
    `--verbose` and `--quiet`, which are settled before it runs.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @wraps(command)
        def run(**given: Any) -> None:
            flags = [(flag, given.pop(name)) for name, flag in names.items()]
            general = {name: given.pop(name) for name in GENERAL}
            command(loaded=settings_of(flags, **general), **given)

        run.__signature__ = _signature(command, names)  # type: ignore[attr-defined] # Typer reads it
        return run

    return decorate


def _signature(command: Callable[..., None], names: Mapping[str, Flag]) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.signature(command, eval_str=True)
    own = [one.replace(kind=keyword) for one in signature.parameters.values()]
    own = [one for one in own if one.name != "loaded"]
    flags = [
        inspect.Parameter(name, keyword, default=flag.default, annotation=flag.annotation)
        for name, flag in names.items()
    ]
    general = [
        inspect.Parameter(name, keyword, default=default, annotation=alias)
        for name, (alias, default) in GENERAL.items()
    ]
    return signature.replace(parameters=[*own, *flags, *general])


def settings_of(
    flags: Iterable[tuple[Flag, object]],
    *,
    config: Path | None = None,
    verbose: bool = False,
    quiet: bool = False,
) -> LoadedSettings:
    """Load the settings under the flags that were given, and start logging.

    Raises:
        OptionError: Two flags contradict each other, or a setting is impossible.
    """
    if verbose:
        start_logging(LogLevel.DEBUG)
    if verbose and quiet:
        raise OptionError("--verbose and --quiet contradict each other; give one")
    given = [*_given(flags), *_level(verbose=verbose, quiet=quiet)]
    keys = [one.key for one in given]
    for one in given:
        if keys.count(one.key) > 1:
            names = " and ".join(other.origin for other in given if other.key == one.key)
            raise OptionError(f"{names} contradict each other; give one")
    loaded = load_settings(given, config=config)
    start_logging(loaded.settings.logging.level)
    return loaded


def _given(flags: Iterable[tuple[Flag, object]]) -> Iterator[Given]:
    for flag, value in flags:
        if value is None or value == [] or (flag.constant is not None and not value):
            continue
        if flag.constant is not None:
            value = flag.constant
        yield Given(flag.key, ",".join(value) if isinstance(value, list) else value, flag.name)


def _level(*, verbose: bool, quiet: bool) -> Iterator[Given]:
    if verbose:
        yield Given("logging.level", LogLevel.DEBUG, "--verbose")
    if quiet:
        yield Given("logging.level", LogLevel.ERROR, "--quiet")


def start_logging(level: LogLevel) -> None:
    """Send the library's messages to standard error."""
    logger = logging.getLogger("eclectus")
    logger.setLevel(level.value.upper())
    logger.handlers.clear()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger.addHandler(handler)
    logger.propagate = False
