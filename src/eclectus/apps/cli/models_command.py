"""`eclectus models`: what can be had, what is here, and whether it is whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from eclectus.apps.cli.downloads import download_progress
from eclectus.apps.cli.exits import ExitCode
from eclectus.apps.cli.flags import Bf16, Config, Fp16, Fp32, Int8, Quiet
from eclectus.config.schema import Settings
from eclectus.config.settings import load_settings
from eclectus.config.sources import Given
from eclectus.core.choices import Precision
from eclectus.core.errors import ModelDownloadError, OptionError
from eclectus.core.options import HubOptions
from eclectus.models import catalog
from eclectus.models.catalog import ModelEntry
from eclectus.models.checksums import human_size
from eclectus.models.folder import ModelFolder, read_reference
from eclectus.models.library import LocalModel, ensure, local_models, locate
from eclectus.models.library import remove as remove_model
from eclectus.models.pull import pull as pull_model
from eclectus.models.references import FolderReference, HubReference, Reference, parse
from eclectus.models.verify import FileCheck
from eclectus.models.verify import verify as verify_model

app = typer.Typer(
    help="List, fetch, check and remove models.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A name of `models list`, a folder, or a hub id (owner/name[@revision]).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CacheDir = Annotated[
    str | None,
    typer.Option("--cache-dir", metavar="DIR", help="Folder of the fetched models."),
]
Endpoint = Annotated[
    str | None,
    typer.Option("--endpoint", metavar="URL", help="Address of the hub or of a mirror of it."),
]
Offline = Annotated[bool, typer.Option("--offline", help="Never use the network.")]


def _settings(config: Path | None, *given: Given | None) -> Settings:
    """The settings with the flags that were given."""
    return load_settings([one for one in given if one is not None], config=config).settings


def _flag(key: str, value: object, name: str) -> Given | None:
    return Given(key, value, name) if value else None


def _precision(**flags: bool) -> Given | None:
    """The precision that a switch stands for."""
    named = [name for name, wanted in flags.items() if wanted]
    if len(named) > 1:
        raise OptionError(f"--{' and --'.join(named)} contradict each other; give one")
    return Given("backend.precision", named[0], f"--{named[0]}") if named else None


@app.command("list")
def list_models(
    local: Annotated[bool, typer.Option("--local", help="Only what is on this machine.")] = False,
    as_json: Json = False,
    cache_dir: CacheDir = None,
    config: Config = None,
) -> None:
    """List the models that have a name, and which are on this machine."""
    here = _here(_settings(config, _flag("hub.cache_dir", cache_dir, "--cache-dir")).hub)
    rows = [_builtin_row(), *(_entry_row(entry, here) for entry in catalog.CATALOG)]
    rows += [_other_row(model) for model in here if catalog.find(model.name) is None]
    if local:
        rows = [row for row in rows if row["local"] is not None]
    if as_json:
        _print_json(rows)
        return
    _print_rows(
        ("name", "head", "size", "languages", "precisions", "on this machine"),
        [_list_cells(row) for row in rows],
    )


@app.command()
def pull(  # noqa: PLR0913, PLR0917 - one parameter a flag
    name: Name,
    fp32: Fp32 = False,
    fp16: Fp16 = False,
    bf16: Bf16 = False,
    int8: Int8 = False,
    update: Annotated[
        bool, typer.Option("--update", help="Go to the newest revision of an unpinned model.")
    ] = False,
    cache_dir: CacheDir = None,
    endpoint: Endpoint = None,
    offline: Offline = False,
    config: Config = None,
    quiet: Quiet = False,
) -> None:
    """Fetch a model, check it, and print its folder."""
    settings = _settings(
        config,
        _precision(fp32=fp32, fp16=fp16, bf16=bf16, int8=int8),
        _flag("hub.cache_dir", cache_dir, "--cache-dir"),
        _flag("hub.endpoint", endpoint, "--endpoint"),
        _flag("hub.offline", offline, "--offline"),
    )
    reference, precision = parse(name), settings.backend.precision
    if isinstance(reference, FolderReference):
        path = reference.path
    else:
        with download_progress(quiet=quiet) as report:
            path = pull_model(reference, precision, settings.hub, update=update, on_progress=report)
    read_reference(reference, path, precision)
    typer.echo(path)


@app.command()
def show(
    name: Name, as_json: Json = False, cache_dir: CacheDir = None, config: Config = None
) -> None:
    """Show what a model is: from its files if they are here, else from the catalogue."""
    options = _here_only(_settings(config, _flag("hub.cache_dir", cache_dir, "--cache-dir")))
    reference = parse(name)
    path = _try_locate(reference, options)
    facts = _reference_facts(reference)
    if path is not None:
        facts |= _folder_facts(read_reference(reference, path, Precision.AUTO))
    if as_json:
        _print_json(facts)
        return
    _print_rows(("", ""), [(_label(key), _text(value)) for key, value in facts.items()])


@app.command()
def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models; none for all that were pulled."),
    ] = None,
    cache_dir: CacheDir = None,
    config: Config = None,
) -> None:
    """Compare every file with the checksum that was recorded when it was pulled."""
    options = _settings(config, _flag("hub.cache_dir", cache_dir, "--cache-dir")).hub
    wanted = names or [model.name for model in local_models(options) if model.locked]
    results = [verify_model(parse(name), options) for name in wanted]
    checks = [check for result in results for check in result]
    _print_rows(("file", "state"), [(str(check.path), check.state.value) for check in checks])
    bad = sum(_has_bad(result) for result in results)
    if bad:
        typer.echo("Fetch broken models again: eclectus models pull NAME.", err=True)
        raise typer.Exit(ExitCode.ALL_FAILED if bad == len(results) else ExitCode.SOME_FAILED)


@app.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    cache_dir: CacheDir = None,
    config: Config = None,
) -> None:
    """Delete a model that was fetched."""
    options = _settings(config, _flag("hub.cache_dir", cache_dir, "--cache-dir")).hub
    reference = parse(name)
    if not yes and isinstance(reference, HubReference):
        typer.confirm(f"Delete all files of {reference.name}?", abort=True)
    freed = remove_model(reference, options)
    typer.echo(f"Removed {name}: {human_size(freed)} freed.")


@app.command()
def path(
    name: Name,
    fp32: Fp32 = False,
    fp16: Fp16 = False,
    bf16: Bf16 = False,
    int8: Int8 = False,
    cache_dir: CacheDir = None,
    config: Config = None,
) -> None:
    """Print the folder of a model that is on this machine; fetch nothing."""
    settings = _settings(
        config,
        _precision(fp32=fp32, fp16=fp16, bf16=bf16, int8=int8),
        _flag("hub.cache_dir", cache_dir, "--cache-dir"),
    )
    typer.echo(ensure(parse(name), _here_only(settings), settings.backend.precision))


def _here_only(settings: Settings) -> HubOptions:
    return replace(settings.hub, offline=True)


def _here(options: HubOptions) -> tuple[LocalModel, ...]:
    """What is in the cache; nothing where the hub's client, which knows the cache, is missing."""
    try:
        return local_models(options)
    except ModelDownloadError as error:
        typer.echo(str(error), err=True)
        return ()


def _try_locate(reference: Reference, options: HubOptions) -> Path | None:
    try:
        return locate(reference, options, Precision.AUTO)
    except ModelDownloadError:  # no client, so nothing that it fetched
        return None


def _builtin_row() -> dict[str, Any]:
    reference = parse(None)
    folder = read_reference(reference, ensure(reference, HubOptions()), Precision.AUTO)
    return {
        "name": catalog.BUILTIN_NAME,
        "head": folder.config.head.value,
        "parameters_m": None,
        "languages": list(folder.config.languages),
        "license": "Apache-2.0",
        "precisions": [folder.precision.value],
        "repositories": [],
        "local": {"path": str(folder.path), "precisions": [folder.precision.value]},
    }


def _entry_row(entry: ModelEntry, here: tuple[LocalModel, ...]) -> dict[str, Any]:
    local = next((model for model in here if model.name == entry.name), None)
    return _entry_facts(entry) | {"local": _local_facts(local) if local is not None else None}


def _entry_facts(entry: ModelEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "head": entry.head.value,
        "parameters_m": entry.parameters_m,
        "languages": list(entry.languages),
        "license": entry.license,
        "original": entry.original,
        "precisions": [precision.value for precision in entry.precisions],
        "repositories": [export.repo for export in entry.exports],
    }


def _other_row(model: LocalModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "head": None,
        "parameters_m": None,
        "languages": [],
        "license": None,
        "precisions": [precision.value for precision in model.precisions],
        "repositories": [model.repo],
        "local": _local_facts(model),
    }


def _local_facts(model: LocalModel) -> dict[str, Any]:
    return {
        "path": str(model.path),
        "repository": model.repo,
        "commit": model.commit,
        "precisions": [precision.value for precision in model.precisions],
        "size": model.size,
        "verified": model.locked,
    }


def _reference_facts(reference: Reference) -> dict[str, Any]:
    if isinstance(reference, FolderReference):
        return {}
    if reference.entry is not None:
        return _entry_facts(reference.entry)
    return {"name": reference.name, "repositories": [one.repo for one in reference.exports]}


def _folder_facts(folder: ModelFolder) -> dict[str, Any]:
    config = folder.config
    return {
        "name": config.name,
        "head": config.head.value,
        "languages": list(config.languages),
        "precision": folder.precision.value,
        "layout": folder.kind.value,
        "mel_bins": config.mel_bins,
        "vocabulary_size": config.vocabulary_size,
        "durations": list(config.durations),
        "max_window_s": config.max_window_s,
        "path": str(folder.path),
        "files": {file.name: file.stat().st_size for file in folder.paths},
    }


def _list_cells(row: dict[str, Any]) -> tuple[str, ...]:
    languages = row["languages"]
    local = row["local"]
    size = f"{row['parameters_m']} M" if row["parameters_m"] else ""
    spoken = ", ".join(languages) if len(languages) < 4 else f"{len(languages)} languages"
    held = ", ".join(local["precisions"]) if local is not None else ""
    if local is not None and "size" in local:
        held += f" ({human_size(local['size'])})"
    precisions = ", ".join(row["precisions"]) or "to be converted"
    return (row["name"], row["head"] or "", size, spoken, precisions, held)


def _label(key: str) -> str:
    """A key of the JSON for a person."""
    units = {"parameters_m": "parameters (millions)", "max_window_s": "longest window (s)"}
    return units.get(key, key.replace("_", " "))


def _has_bad(checks: tuple[FileCheck, ...]) -> bool:
    return not all(check.good for check in checks)


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} ({human_size(size)})" for key, size in value.items())
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "" if value is None else str(value)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_rows(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table for a person, tab-separated lines for a program."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(*columns, box=None, show_header=any(columns), pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)
