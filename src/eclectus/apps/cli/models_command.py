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
from rich.text import Text

from eclectus.apps.cli.downloads import download_progress
from eclectus.apps.cli.exits import ExitCode
from eclectus.apps.cli.flags import flags_of, with_settings
from eclectus.apps.cli.messages import say, say_value
from eclectus.config.schema import LogLevel, Settings
from eclectus.config.settings import LoadedSettings
from eclectus.core.choices import Precision
from eclectus.core.errors import ModelDownloadError, ModelFilesError
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
from eclectus.output.clean import one_line, printable

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
_CACHE_FLAGS = flags_of("hub.cache_dir")
_CHOICE_FLAGS = flags_of("backend.precision", "hub.cache_dir")
_PULL_FLAGS = flags_of("backend.precision", "hub")


@app.command("list", help="List the models that have a name, and which are on this machine.")
@with_settings(_CACHE_FLAGS)
def list_models(
    *,
    loaded: LoadedSettings,
    local: Annotated[bool, typer.Option("--local", help="Only what is on this machine.")] = False,
    as_json: Json = False,
) -> None:
    """Run `eclectus models list`."""
    here = _here(loaded.settings.hub)
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


@app.command(help="Fetch a model, check it, and print its folder.")
@with_settings(_PULL_FLAGS)
def pull(
    *,
    loaded: LoadedSettings,
    name: Name,
    update: Annotated[
        bool, typer.Option("--update", help="Go to the newest revision of an unpinned model.")
    ] = False,
) -> None:
    """Run `eclectus models pull`."""
    settings = loaded.settings
    reference, precision = parse(name), settings.backend.precision
    if isinstance(reference, FolderReference):
        path = reference.path
    else:
        quiet = settings.logging.level is LogLevel.ERROR
        with download_progress(quiet=quiet) as report:
            path = pull_model(reference, precision, settings.hub, update=update, on_progress=report)
    read_reference(reference, path, precision)
    say_value(path)


@app.command(help="Show what a model is: from its files if they are here, else from the catalogue.")
@with_settings(_CACHE_FLAGS)
def show(*, loaded: LoadedSettings, name: Name, as_json: Json = False) -> None:
    """Run `eclectus models show`."""
    reference = parse(name)
    path = _try_locate(reference, _here_only(loaded.settings))
    facts = _reference_facts(reference)
    if path is not None:
        facts |= _folder_facts(read_reference(reference, path, Precision.AUTO))
    if as_json:
        _print_json(facts)
        return
    _print_rows(("", ""), [(_label(key), _text(value)) for key, value in facts.items()])


@app.command(help="Compare every file with the checksum that was recorded when it was pulled.")
@with_settings(_CACHE_FLAGS)
def verify(
    *,
    loaded: LoadedSettings,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models; none for all that were pulled."),
    ] = None,
) -> None:
    """Run `eclectus models verify`."""
    options = loaded.settings.hub
    wanted = names or [model.name for model in local_models(options) if model.locked]
    if not wanted:
        say(
            "There is nothing to verify: no model was pulled to this machine. "
            "`eclectus models pull NAME` fetches one.",
            err=True,
        )
    results = [verify_model(parse(name), options) for name in wanted]
    checks = [check for result in results for check in result]
    _print_rows(("file", "state"), [(str(check.path), check.state.value) for check in checks])
    bad = sum(_has_bad(result) for result in results)
    if bad:
        say("Fetch broken models again: eclectus models pull NAME.", err=True)
        raise typer.Exit(ExitCode.ALL_FAILED if bad == len(results) else ExitCode.SOME_FAILED)


@app.command(help="Delete a model that was fetched.")
@with_settings(_CACHE_FLAGS)
def remove(
    *,
    loaded: LoadedSettings,
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Run `eclectus models remove`."""
    reference = parse(name)
    if not yes and isinstance(reference, HubReference):
        typer.confirm(f"Delete all files of {reference.name}?", abort=True)
    freed = remove_model(reference, loaded.settings.hub)
    say(f"Removed {name}: {human_size(freed)} freed.")


@app.command(help="Print the folder of a model that is on this machine; fetch nothing.")
@with_settings(_CHOICE_FLAGS)
def path(*, loaded: LoadedSettings, name: Name) -> None:
    """Run `eclectus models path`."""
    settings = loaded.settings
    found = locate(parse(name), _here_only(settings), settings.backend.precision)
    if found is None:
        raise ModelFilesError(
            f"{name} is not on this machine. `eclectus models pull {name}` fetches it.", name=name
        )
    say_value(found)


def _here_only(settings: Settings) -> HubOptions:
    return replace(settings.hub, offline=True)


def _here(options: HubOptions) -> tuple[LocalModel, ...]:
    """What is in the cache; nothing where the hub's client, which knows the cache, is missing."""
    try:
        return local_models(options)
    except ModelDownloadError as error:
        say(str(error), err=True)
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
    say(json.dumps(value, indent=2, ensure_ascii=False))


def _print_rows(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """A table for a person, tab-separated lines for a program."""
    if not sys.stdout.isatty():
        for row in rows:
            say("\t".join(map(one_line, row)))
        return
    table = Table(*columns, box=None, show_header=any(columns), pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    Console().print(table)
