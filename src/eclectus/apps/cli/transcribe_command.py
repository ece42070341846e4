"""`eclectus transcribe`: files in, transcripts out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclectus.apps.cli.flags import with_settings
from eclectus.config.schema import LogLevel
from eclectus.config.settings import LoadedSettings
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import OptionError
from eclectus.models.catalog import BUILTIN_NAME

if TYPE_CHECKING:
    from eclectus.apps.cli.file_run import FileRun
    from eclectus.apps.cli.output_plan import OutputPlan, PlannedFile
    from eclectus.apps.cli.progress import View
    from eclectus.recognition.recognizer import Recognizer

_LITTLE = 1_000_000
"""Bytes: half a minute of wave file, a few of compressed audio."""
OUTPUT_KEYS = ("output.formats", "output.directory", "output.template")

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="INPUT...", help="Files, folders, patterns; `-` is standard input."),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Look into the folders of folders too.")
]
Stdout = Annotated[
    bool, typer.Option("--stdout", help="Print all formats, one after the other; write no file.")
]
Watch = Annotated[
    Path | None,
    typer.Option("--watch", metavar="DIR", help="Transcribe what appears there, until Ctrl-C."),
]


_TRANSCRIBE_HELP = """\
Transcribe audio and video files.

Without any output option the text is printed. With one (--output-format, --output-dir,
--output-template, or their settings) each result is written to a file, in the current folder
unless --output-dir says where; --stdout prints instead.

Exit codes: 0 all done; 2 usage; 3 some files failed; 4 all failed or no model; 130 interrupted.
"""


@app.command("transcribe", help=_TRANSCRIBE_HELP)
@with_settings()
def transcribe(
    *,
    loaded: LoadedSettings,
    inputs: Inputs = None,
    recursive: Recursive = False,
    stdout: Stdout = False,
    watch: Watch = None,
) -> None:
    """Run `eclectus transcribe`."""
    if bool(inputs) == (watch is not None):
        raise OptionError("name the files to transcribe, or a folder with --watch; `-` is stdin")
    to_stdout = _prints(loaded, stdout=stdout, watching=watch is not None)
    if watch is not None:
        loaded = _skip_if_unset(loaded)
        code = _watch(loaded, watch, recursive=recursive, to_stdout=to_stdout)
    else:
        code = _once(loaded, inputs or [], recursive=recursive, to_stdout=to_stdout)
    raise typer.Exit(code)


def _prints(loaded: LoadedSettings, *, stdout: bool, watching: bool) -> bool:
    given = [key for key in OUTPUT_KEYS[1:] if loaded.origins[key].startswith("--")]
    if stdout and given:
        raise OptionError(
            f"--stdout and {loaded.origins[given[0]]} contradict each other; give one"
        )
    return stdout or not (watching or loaded.is_set(*OUTPUT_KEYS))


def _skip_if_unset(loaded: LoadedSettings) -> LoadedSettings:
    """Leave results alone that exist: what was done before a restart is not done again."""
    if loaded.is_set("output.overwrite"):
        return loaded
    output = replace(loaded.settings.output, overwrite=OverwritePolicy.SKIP)
    return replace(loaded, settings=replace(loaded.settings, output=output))


def _once(loaded: LoadedSettings, inputs: list[str], *, recursive: bool, to_stdout: bool) -> int:
    from eclectus.apps.cli.inputs import find_inputs

    plan = _plan(loaded, to_stdout=to_stdout)
    # Before the model is loaded: what can't be done is said at once.
    files = plan.files(find_inputs(inputs, recursive=recursive))
    view = _view(loaded)
    with _load(loaded, view, little=_is_little(files)) as recognizer:
        run = _file_run(loaded, recognizer, plan, view)
        try:
            run.run(files)
        finally:
            view.close()
    view.say(run.tally.summary())
    return run.tally.exit_code


def _watch(loaded: LoadedSettings, folder: Path, *, recursive: bool, to_stdout: bool) -> int:
    from eclectus.apps.cli.watch import Watcher

    watcher = Watcher(folder, recursive)
    plan = _plan(loaded, to_stdout=to_stdout)
    view = _view(loaded)
    with _load(loaded, view) as recognizer:
        run = _file_run(loaded, recognizer, plan, view)
        view.say(f"watching {folder}; Ctrl-C ends it")
        try:
            for ready in watcher.forever():
                run.run(plan.files(ready, first_index=run.tally.total + 1))
                view.close()
        finally:
            view.close()
            view.say(run.tally.summary())
    return run.tally.exit_code


def _plan(loaded: LoadedSettings, *, to_stdout: bool) -> OutputPlan:
    from eclectus.apps.cli.output_plan import OutputPlan

    settings = loaded.settings
    plan = OutputPlan(settings.output, Path(settings.model or BUILTIN_NAME).name, to_stdout)
    _ = plan.formats  # an unknown format is refused before the model is loaded
    return plan


def _view(loaded: LoadedSettings) -> View:
    from eclectus.apps.cli.progress import make_view

    level = loaded.settings.logging.level
    return make_view(quiet=level is LogLevel.ERROR, verbose=level is LogLevel.DEBUG)


def _is_little(files: list[PlannedFile]) -> bool:
    """Whether the model will be done before it could gain from being loaded with more care."""
    try:
        return sum(Path(file.source).stat().st_size for file in files) < _LITTLE
    except OSError:  # standard input, or what will be told when its turn comes
        return False


def _load(loaded: LoadedSettings, view: View, *, little: bool = False) -> Recognizer:
    from eclectus.apps.cli.loading import BUILTIN_HINT, load_recognizer

    quiet = loaded.settings.logging.level is LogLevel.ERROR
    recognizer = load_recognizer(loaded.settings, quiet=quiet, little=little)
    if recognizer.config.builtin:
        view.say(BUILTIN_HINT)
    return recognizer


def _file_run(
    loaded: LoadedSettings, recognizer: Recognizer, plan: OutputPlan, view: View
) -> FileRun:
    from eclectus.apps.cli.file_run import FileRun
    from eclectus.output.transcript_format import RenderOptions

    settings = loaded.settings
    rendering = RenderOptions.of(settings.output, settings.subtitles)
    return FileRun(recognizer, plan, rendering, view)
