"""Every flag of the command line, declared once; `with_settings` gives them to a command.

A flag has no default of its own: what nobody gives comes from the settings.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from eclectus.config.schema import LogLevel
from eclectus.config.settings import LoadedSettings, load_settings
from eclectus.config.sources import Given
from eclectus.core.choices import (
    DecoderChoice,
    Device,
    OverwritePolicy,
    Precision,
    SpeechDetection,
    TimestampLevel,
    WindowPlan,
)
from eclectus.core.errors import OptionError


def _of(kind: type[StrEnum]) -> str:
    return ", ".join(member.value for member in kind)


# What is recognised, and with what

Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Name from `eclectus models list`, hub id, or folder. Without it: the small "
        "built-in English model.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option("--language", metavar="CODE", help="The language that is spoken, if known."),
]
DeviceFlag = Annotated[
    Device | None,
    typer.Option("--device", metavar="NAME", help=f"Where to compute: {_of(Device)}."),
]
Threads = Annotated[
    str | None, typer.Option("--threads", metavar="N", help="CPU threads; all cores without it.")
]
Fp32 = Annotated[bool, typer.Option("--fp32", help="Use weights of 32-bit floats.")]
Fp16 = Annotated[bool, typer.Option("--fp16", help="Use weights of 16-bit floats.")]
Bf16 = Annotated[bool, typer.Option("--bf16", help="Use weights of bfloat16.")]
Int8 = Annotated[bool, typer.Option("--int8", help="Use weights of 8-bit integers.")]

# How audio is read and divided

Decoder = Annotated[
    DecoderChoice | None,
    typer.Option("--decoder", metavar="NAME", help=f"What reads audio: {_of(DecoderChoice)}."),
]
Channel = Annotated[
    str | None,
    typer.Option("--channel", metavar="N", help="Take one channel, from 0, not the mix of all."),
]
ChunkDuration = Annotated[
    str | None,
    typer.Option(
        "--chunk-duration", metavar="SECONDS", help="Length of the windows of a long file."
    ),
]
OverlapDuration = Annotated[
    str | None,
    typer.Option("--overlap-duration", metavar="SECONDS", help="What neighbours share."),
]
Plan = Annotated[
    WindowPlan | None,
    typer.Option("--plan", metavar="NAME", help=f"Where windows end: {_of(WindowPlan)}."),
]
BatchSize = Annotated[
    str | None, typer.Option("--batch-size", metavar="N", help="Windows computed at once.")
]

# Live streams

Left = Annotated[
    str | None, typer.Option("--left", metavar="SECONDS", help="Past that the encoder sees.")
]
Chunk = Annotated[
    str | None, typer.Option("--chunk", metavar="SECONDS", help="What becomes final at a time.")
]
Right = Annotated[
    str | None,
    typer.Option("--right", metavar="SECONDS", help="Future that final words wait for."),
]
Partials = Annotated[
    bool | None, typer.Option("--partials/--no-partials", help="Show drafts, or finals only.")
]
MinConfidence = Annotated[
    str | None,
    typer.Option("--min-confidence", metavar="X", help="Leave out words below, from 0 to 1."),
]
SpeechDetector = Annotated[
    SpeechDetection | None,
    typer.Option(
        "--speech-detector", metavar="NAME", help=f"What hears speech: {_of(SpeechDetection)}."
    ),
]
SpeechThreshold = Annotated[
    str | None,
    typer.Option(
        "--speech-threshold",
        metavar="SHARE",
        help="How sure that must be, 0 to 1; lower hears softer speech.",
    ),
]
EndpointSilence = Annotated[
    str | None,
    typer.Option("--endpoint-silence", metavar="SECONDS", help="Silence that ends an utterance."),
]
Endpoints = Annotated[
    bool | None,
    typer.Option("--endpoints/--no-endpoints", help="Divide the stream into utterances, or not."),
]

# Segments and subtitles

MaxWords = Annotated[
    str | None, typer.Option("--max-words", metavar="N", help="Longest segment in words.")
]
MaxCharacters = Annotated[
    str | None, typer.Option("--max-characters", metavar="N", help="Longest segment in characters.")
]
MaxDuration = Annotated[
    str | None,
    typer.Option("--max-duration", metavar="SECONDS", help="Longest segment; `none`: no limit."),
]
SilenceGap = Annotated[
    str | None,
    typer.Option(
        "--silence-gap", metavar="SECONDS", help="A pause that ends a segment; `none`: never."
    ),
]
HighlightWords = Annotated[
    bool | None,
    typer.Option(
        "--highlight-words/--no-highlight-words",
        help="Underline each word of SRT and VTT as it is spoken.",
    ),
]
Timestamps = Annotated[
    TimestampLevel | None,
    typer.Option("--timestamps", metavar="LEVEL", help=f"Times in JSON: {_of(TimestampLevel)}."),
]

# Where results go

OutputDir = Annotated[
    str | None, typer.Option("--output-dir", "-o", metavar="DIR", help="Write files there.")
]
OutputTemplate = Annotated[
    str | None,
    typer.Option(
        "--output-template",
        metavar="TEXT",
        help="Their names without suffix, of {parent}, {filename}, {index}, {date}, {model}.",
    ),
]
OutputFormat = Annotated[
    list[str] | None,
    typer.Option(
        "--output-format",
        "-f",
        metavar="NAMES",
        help="txt, srt, vtt, json, jsonl, csv, tsv or all; several with commas or by repetition.",
    ),
]
Overwrite = Annotated[
    OverwritePolicy | None,
    typer.Option(
        "--overwrite", metavar="POLICY", help=f"If a file exists: {_of(OverwritePolicy)}."
    ),
]

# The run itself

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", metavar="FILE", help="Settings as TOML, YAML or JSON."),
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Tell everything, with tracebacks of errors.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Tell errors only.")]


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that sets a setting.

    Attributes:
        alias: Its `Annotated` declaration.
        key: The setting.
        constant: For a switch, the value that it stands for.
    """

    alias: Any
    key: str
    constant: str | None = None

    @property
    def name(self) -> str:
        """The flag as it is typed, `--no-…` apart."""
        declared = self.alias.__metadata__[0]
        return str(declared.default).partition("/")[0]

    @property
    def default(self) -> bool | None:
        """What stands for 'not given'."""
        return None if self.constant is None else False


FLAGS: Mapping[str, Flag] = {
    "model": Flag(Model, "model"),
    "language": Flag(Language, "language"),
    "device": Flag(DeviceFlag, "backend.device"),
    "threads": Flag(Threads, "backend.threads"),
    "fp32": Flag(Fp32, "backend.precision", Precision.FP32),
    "fp16": Flag(Fp16, "backend.precision", Precision.FP16),
    "bf16": Flag(Bf16, "backend.precision", Precision.BF16),
    "int8": Flag(Int8, "backend.precision", Precision.INT8),
    "decoder": Flag(Decoder, "audio.decoder"),
    "channel": Flag(Channel, "audio.channel"),
    "chunk_duration": Flag(ChunkDuration, "long_form.window_s"),
    "overlap_duration": Flag(OverlapDuration, "long_form.overlap_s"),
    "plan": Flag(Plan, "long_form.plan"),
    "batch_size": Flag(BatchSize, "batch.size"),
    "max_words": Flag(MaxWords, "segments.max_words"),
    "max_characters": Flag(MaxCharacters, "segments.max_characters"),
    "max_duration": Flag(MaxDuration, "segments.max_duration_s"),
    "silence_gap": Flag(SilenceGap, "segments.silence_gap_s"),
    "highlight_words": Flag(HighlightWords, "subtitles.highlight_words"),
    "timestamps": Flag(Timestamps, "output.timestamps"),
    "output_dir": Flag(OutputDir, "output.directory"),
    "output_template": Flag(OutputTemplate, "output.template"),
    "output_format": Flag(OutputFormat, "output.formats"),
    "overwrite": Flag(Overwrite, "output.overwrite"),
}
_LIVE: Mapping[str, Flag] = {
    "left": Flag(Left, "live.left_s"),
    "chunk": Flag(Chunk, "live.chunk_s"),
    "right": Flag(Right, "live.right_s"),
    "partials": Flag(Partials, "live.emit_partial"),
    "min_confidence": Flag(MinConfidence, "live.min_confidence"),
    "endpoints": Flag(Endpoints, "endpoint.enabled"),
    "speech_detector": Flag(SpeechDetector, "endpoint.detector"),
    "speech_threshold": Flag(SpeechThreshold, "endpoint.threshold"),
    "endpoint_silence": Flag(EndpointSilence, "endpoint.silence_s"),
}
_FILES_ONLY = {"chunk_duration", "overlap_duration", "plan", "batch_size"}
STREAM_FLAGS: Mapping[str, Flag] = {
    **_LIVE,
    **{name: flag for name, flag in FLAGS.items() if name not in _FILES_ONLY},
}
_KNOWN = {**FLAGS, **_LIVE}
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
            flags = {name: given.pop(name) for name in names}
            general = {name: given.pop(name) for name in GENERAL}
            command(loaded=settings_of(flags, **general), **given)

        _KNOWN.update(names)
        run.__signature__ = _signature(command, names)  # type: ignore[attr-defined] # Typer reads it
        return run

    return decorate


def _signature(command: Callable[..., None], names: Mapping[str, Flag]) -> inspect.Signature:
    keyword = inspect.Parameter.KEYWORD_ONLY
    signature = inspect.signature(command, eval_str=True)
    own = [one.replace(kind=keyword) for one in signature.parameters.values()]
    own = [one for one in own if one.name != "loaded"]
    flags = [
        inspect.Parameter(name, keyword, default=flag.default, annotation=flag.alias)
        for name, flag in names.items()
    ]
    general = [
        inspect.Parameter(name, keyword, default=default, annotation=alias)
        for name, (alias, default) in GENERAL.items()
    ]
    return signature.replace(parameters=[*own, *flags, *general])


def settings_of(
    flags: Mapping[str, object],
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


def _given(flags: Mapping[str, object]) -> Iterator[Given]:
    for name, value in flags.items():
        flag = _KNOWN[name]
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
