"""The entry point: finds the command, turns errors into messages and exit codes.

Exit codes: 0 done · 1 a bug · 2 usage · 3 some files failed · 4 nothing could be done ·
130 interrupted (Ctrl-C) · 141 the reader of the output went away · 143 terminated.
"""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from eclectus._version import __version__
from eclectus.apps.cli import standard_streams
from eclectus.apps.cli.exits import ExitCode, own_ends, raise_interrupts, terminable
from eclectus.apps.cli.messages import say
from eclectus.apps.cli.near_names import near_command, near_options_added
from eclectus.core.errors import EclectusError, OptionError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

# Help of each command, which is in a module of its name: `eclectus --help` imports none of them.
COMMANDS = {
    "transcribe": "Transcribe audio and video files.",
    "stream": "Recognise live audio as it is spoken.",
    "serve": "Serve files and live audio over HTTP and WebSocket.",
    "worker": "Transcribe the files of a queue, as one of many.",
    "jobs": "Queue files of object stores, and follow them.",
    "models": "List, fetch, check and remove models.",
    "config": "Show the settings in force and where they come from.",
}


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are run."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002, D102 - as Typer has it
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002, D102 - as Typer has it
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"eclectus.apps.cli.{cmd_name}_command")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; a wrong name gets a near one."""
        if args and args[0] not in COMMANDS and args[0][:1].isalnum():
            ctx.fail(f"No such command {args[0]!r}.{near_command(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options of the program itself."""
        with own_ends(), near_options_added():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; ends that Typer would report in its own way are taken from it."""
        with own_ends(), near_options_added():
            raise_interrupts()
            return super().invoke(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002, D102 - as above
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"eclectus {__version__}")
        raise typer.Exit


@app.callback()
def eclectus(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Speech recognition with Parakeet models, without NeMo."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: Without the program's name; None for those of the process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _start_faster()
    standard_streams.mend()
    with own_ends(), terminable():
        code = _flushed(run(given))
    sys.exit(code)


def _flushed(code: int) -> int:
    """Write what is still in the buffer of standard output; return the exit code."""
    try:
        sys.stdout.flush()
    except OutputError as error:
        if code == ExitCode.DONE:
            say(f"eclectus: {error}", err=True)
            code = ExitCode.ALL_FAILED
        standard_streams.give_up()
    return code


def _start_faster() -> None:
    """Save a tenth of the time until the first word.

    Imports make many objects that live on, for which the collector would look again and again; and
    nobody's Pydantic plugins are wanted here, for which it would search all installed packages.
    """
    gc.set_threshold(50_000, 20, 100)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # noqa: TID251 - set, not read


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; messages go to standard error."""
    verbose = not {"--verbose", "-v"}.isdisjoint(arguments)
    try:
        typer.main.get_command(app).main(args=arguments, prog_name="eclectus")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except EclectusError as error:
        _explain(f"eclectus: {error}", verbose)
        return ExitCode.USAGE if isinstance(error, OptionError) else ExitCode.ALL_FAILED
    except Exception as error:  # noqa: BLE001 - the command line's boundary
        hint = "" if verbose else "; --verbose shows where"
        _explain(f"eclectus: this is a bug: {type(error).__name__}: {error}{hint}", verbose)
        return ExitCode.BUG
    return ExitCode.DONE


def _explain(message: str, verbose: bool) -> None:
    if verbose:
        import traceback

        traceback.print_exc()
    say(message, err=True)


if __name__ == "__main__":
    main()
