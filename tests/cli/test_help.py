"""What `--help` says. `scripts/generate_reference.py` rewrites the snapshots."""

from importlib import import_module
from pathlib import Path

import pytest
import typer

from eclectus import __version__
from eclectus.apps.cli.flags import FLAGS, STREAM_FLAGS
from eclectus.apps.cli.help import all_help
from eclectus.apps.cli.main import COMMANDS
from eclectus.config.schema import schema
from tests.support.command_line import Cli, Ended

SNAPSHOTS = Path(__file__).parent / "snapshots"
HELP = all_help()


@pytest.mark.parametrize("command", HELP)
def test_the_help_of_a_command_is_as_it_was(command: str) -> None:
    snapshot = SNAPSHOTS / f"{command.replace(' ', '-')}.txt"
    assert HELP[command].rstrip() == snapshot.read_text(encoding="utf-8").rstrip()


def test_every_snapshot_has_its_command() -> None:
    assert {path.stem for path in SNAPSHOTS.iterdir()} == {name.replace(" ", "-") for name in HELP}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_commands_say(name: str) -> None:
    command = typer.main.get_command(import_module(f"eclectus.apps.cli.{name}_command").app)
    assert (command.help or "").partition("\n")[0].strip() == COMMANDS[name]


def test_every_flag_sets_a_setting_that_exists() -> None:
    assert {flag.key for flag in [*FLAGS.values(), *STREAM_FLAGS.values()]} <= set(schema())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["transcribe", "--help"], ["config", "-h"]]
)
def test_help_is_printed(cli: Cli, arguments: list[str]) -> None:
    ended = cli(*arguments)
    assert ended.code == 0
    assert ended.out.startswith("Usage: eclectus")


def test_the_version_is_printed(cli: Cli) -> None:
    assert cli("--version") == Ended(0, f"eclectus {__version__}\n", "")
