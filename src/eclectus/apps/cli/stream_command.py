"""`eclectus stream`: live audio in, words as they are spoken out."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eclectus.apps.cli.exits import ExitCode
from eclectus.apps.cli.flags import STREAM_FLAGS, with_settings
from eclectus.apps.cli.messages import say
from eclectus.config.schema import LogLevel
from eclectus.config.settings import LoadedSettings
from eclectus.core.errors import OptionError, OutputError
from eclectus.core.timebase import SAMPLE_RATE
from eclectus.models.catalog import BUILTIN_NAME

if TYPE_CHECKING:
    from eclectus.api import Model
    from eclectus.apps.cli.live_sources import LiveSource
    from eclectus.apps.cli.live_view import LiveView
    from eclectus.apps.cli.output_plan import OutputPlan, PlannedFile
    from eclectus.core.types import FloatArray, Segment
    from eclectus.streaming.events import Event

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="[SOURCE]",
        help="A file, or `-` for raw 16-bit mono samples on standard input; the microphone "
        "without it.",
    ),
]
Realtime = Annotated[bool, typer.Option("--realtime", help="Play a file at its own pace.")]
Rate = Annotated[
    int, typer.Option("--sample-rate", metavar="HZ", help="Of the samples on standard input.")
]
Microphone = Annotated[
    str | None,
    typer.Option("--input-device", metavar="NAME", help="Number or name of the microphone."),
]
ListDevices = Annotated[bool, typer.Option("--list-devices", help="Show the microphones.")]
Json = Annotated[bool, typer.Option("--json", help="Print each event as a line of JSON.")]
SaveAudio = Annotated[
    Path | None, typer.Option("--save-audio", metavar="FILE", help="Keep what was heard as WAV.")
]


_STREAM_HELP = """\
Recognise live audio as it is spoken.

Drafts come at once; final words never change. On a terminal drafts are dimmed; elsewhere each
utterance is a line when it is over, and with --json each event is. With --output-format,
--output-dir or --output-template the transcript is written to files at the end. Ctrl-C ends
the stream, and nothing is lost.
"""


@app.command("stream", help=_STREAM_HELP)
@with_settings(STREAM_FLAGS)
def stream(
    *,
    loaded: LoadedSettings,
    source: Source = None,
    realtime: Realtime = False,
    sample_rate: Rate = SAMPLE_RATE,
    input_device: Microphone = None,
    list_devices: ListDevices = False,
    json: Json = False,
    save_audio: SaveAudio = None,
) -> None:
    """Run `eclectus stream`."""
    from eclectus.apps.cli.live_sources import list_microphones
    from eclectus.apps.cli.live_view import make_live_view

    if list_devices:
        say("\n".join(list_microphones()) or "no microphone found")
        return
    audio = _source(loaded, source, sample_rate, input_device, realtime=realtime)
    plan, file = _plan(loaded, source)
    quiet = loaded.settings.logging.level is LogLevel.ERROR
    with _model(loaded, quiet=quiet) as model, _recorder(save_audio, audio.sample_rate) as record:
        if audio.endless and not quiet:
            say(f"listening to {audio.name}; Ctrl-C ends it", err=True)
        view = make_live_view(as_lines=json, silent=quiet and file is not None)
        promised = file is not None or record is not None
        follower = Follower(model, audio, view, record, keeps_on=promised)
        interrupted = follower.run(loaded)
        if file is not None:
            _write(follower, loaded, plan, file)
        if follower.unseen is not None:
            raise follower.unseen
    raise typer.Exit(ExitCode.INTERRUPTED if interrupted and not audio.endless else ExitCode.DONE)


class Follower:
    """Follows a source to its end, or to Ctrl-C."""

    def __init__(
        self,
        model: Model,
        audio: LiveSource,
        view: LiveView,
        record: SoundWriter | None,
        *,
        keeps_on: bool = False,
    ) -> None:
        """Prepare.

        Args:
            model: Recognises.
            audio: What is heard.
            view: Where events are shown.
            record: Keeps what was heard.
            keeps_on: Files are written at the end, also when events can no longer be shown.
        """
        self.model = model
        self._audio = audio
        self._view = view
        self._record = record
        self._keeps_on = keeps_on
        self.unseen: OutputError | None = None
        """Why events are no longer shown."""
        self.segments: list[Segment] = []
        self.duration = 0.0

    def run(self, loaded: LoadedSettings) -> bool:
        """Show events as they come; return whether the user ended the stream."""
        from eclectus.apps.cli.live_sources import gathered
        from eclectus.streaming.events import SegmentDone

        session = self.model.stream(loaded.settings.stream, sample_rate=self._audio.sample_rate)

        def tell(samples: FloatArray | None) -> None:
            events = session.finish() if samples is None else session.push(samples)
            for event in events:
                self._show(event)
                if isinstance(event, SegmentDone):
                    self.segments.append(event.segment)

        interrupted = False
        try:
            for samples in gathered(self._audio):
                if self._record is not None:
                    self._record.write(samples)
                tell(samples)
        except KeyboardInterrupt:
            interrupted = True
        tell(None)
        self.duration = session.duration
        return interrupted

    def _show(self, event: Event) -> None:
        if self.unseen is not None:
            return
        try:
            self._view.show(event)
        except OutputError as error:
            if not self._keeps_on:
                raise
            self.unseen = error


class SoundWriter:
    """Writes 16-bit WAV as samples come."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        import soundfile

        try:
            self._file = soundfile.SoundFile(
                path, "w", sample_rate, 1, subtype="PCM_16", format="WAV"
            )
        except (OSError, soundfile.LibsndfileError) as error:
            raise OptionError(f"can't write {path}: {error}", path=str(path)) from error

    def write(self, samples: FloatArray) -> None:
        """Append samples (n,)."""
        self._file.write(samples)

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


@contextmanager
def _recorder(path: Path | None, sample_rate: int) -> Iterator[SoundWriter | None]:
    writer = None if path is None else SoundWriter(path, sample_rate)
    try:
        yield writer
    finally:
        if writer is not None:
            writer.close()


def _source(
    loaded: LoadedSettings,
    source: str | None,
    sample_rate: int,
    device: str | None,
    *,
    realtime: bool,
) -> LiveSource:
    from eclectus.apps.cli.live_sources import from_file, from_microphone, from_pipe

    if source is None:
        return from_microphone(device)
    if device is not None:
        raise OptionError("--input-device is for the microphone; leave the source out")
    if source == "-":
        return from_pipe(sys.stdin.buffer, sample_rate)
    return from_file(source, loaded.settings.audio, realtime=realtime)


def _plan(loaded: LoadedSettings, source: str | None) -> tuple[OutputPlan, PlannedFile | None]:
    """Plan the files of the transcript; no file where none was asked for."""
    from eclectus.apps.cli.inputs import Input
    from eclectus.apps.cli.output_plan import OutputPlan
    from eclectus.apps.cli.transcribe_command import OUTPUT_KEYS

    settings = loaded.settings
    plan = OutputPlan(settings.output, Path(settings.model or BUILTIN_NAME).name)
    if not loaded.is_set(*OUTPUT_KEYS):
        return plan, None
    name = "microphone" if source is None else source
    (file,) = plan.files([Input(name)])
    if file.problem is not None:
        raise file.problem
    return plan, file


@contextmanager
def _model(loaded: LoadedSettings, *, quiet: bool) -> Iterator[Model]:
    from eclectus.apps.cli.loading import BUILTIN_HINT, load_recognizer

    with load_recognizer(loaded.settings, quiet=quiet) as model:
        if model.config.builtin and not quiet:
            say(BUILTIN_HINT, err=True)
        yield model


def _write(follower: Follower, loaded: LoadedSettings, plan: OutputPlan, file: PlannedFile) -> None:
    from eclectus.core.types import Transcript
    from eclectus.output.registry import render
    from eclectus.output.transcript_format import RenderOptions
    from eclectus.output.writer import write_atomic
    from eclectus.text.model_languages import language_of

    config = follower.model.config
    language = language_of(follower.segments, config, loaded.settings.language)
    transcript = Transcript(tuple(follower.segments), follower.duration, language, config.name)
    rendering = RenderOptions.of(loaded.settings.output, loaded.settings.subtitles)
    for name, path in file.outputs:
        text = render(transcript, name, rendering)
        write_atomic(path, text, plan.options.overwrite)
