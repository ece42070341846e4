"""`eclectus config`: the settings in force and where each comes from."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from eclectus.apps.cli.flags import ALL_FLAGS, Config, with_settings
from eclectus.apps.cli.messages import say, say_value
from eclectus.config.schema import schema
from eclectus.config.settings import LoadedSettings, config_files, default_places

app = typer.Typer(
    help="Show the settings in force and where they come from.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)


_SHOW_HELP = """\
Print every setting with its value and its origin; secrets are masked.

The flags of all commands may be given to see what they change.
"""


@app.command("show", help=_SHOW_HELP)
@with_settings(ALL_FLAGS)
def show(
    *,
    loaded: LoadedSettings,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Run `eclectus config show`."""
    rows = [(key, loaded.shown(key), loaded.origins[key]) for key in schema()]
    if as_json:
        listed = [{"key": key, "value": value, "origin": origin} for key, value, origin in rows]
        say(json.dumps(listed, indent=2, ensure_ascii=False))
        return
    shown = [(key, _written(value), origin) for key, value, origin in rows]
    widths = [max(len(row[column]) for row in shown) for column in (0, 1)]
    for key, value, origin in shown:
        say(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}")


def _written(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return (",".join(value) or "none") if isinstance(value, tuple) else str(value)


_PATH_HELP = """\
Print the configuration files that are read, the strongest last.

Without any, the places where one would be read are printed on standard error.
"""


@app.command("path", help=_PATH_HELP)
def path(*, config: Config = None) -> None:
    """Run `eclectus config path`."""
    files = config_files(config)
    for one in files:
        say_value(str(one))
    if not files:
        for place in default_places():
            say(f"not there: {place.with_suffix('.toml')}", err=True)
