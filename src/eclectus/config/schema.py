"""The list of all settings, read from the option classes: key, values, default, meaning, flag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from eclectus.config.server_options import ServerOptions
from eclectus.config.worker_options import QueueOptions, StorageOptions
from eclectus.core.option_spec import Kind, Options, OptionSpec, option, section, specs
from eclectus.core.options import (
    AudioOptions,
    BackendOptions,
    BatchOptions,
    ConfidenceOptions,
    EndpointOptions,
    GreedySearch,
    HubOptions,
    LiveOptions,
    LongFormOptions,
    OutputOptions,
    SegmentOptions,
    StreamOptions,
    SubtitleOptions,
    TranscribeOptions,
)

PREFIX = "ECLECTUS_"


class LogLevel(StrEnum):
    """How much the library logs on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingOptions(Options):
    """What is logged."""

    level: LogLevel = option(
        LogLevel.WARNING, "The least urgent messages that are shown on standard error."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Options):
    """Everything that can be set."""

    model: str | None = option(
        None,
        "Name from `eclectus models list`, hub id, or folder; none for the small built-in English "
        "model.",
        path=True,
        flag="--model/-m",
        metavar="MODEL",
    )
    language: str | None = option(
        None,
        "The language that is spoken, if known: an ISO 639-1 code, a hint.",
        flag="--language",
        metavar="CODE",
    )
    audio: AudioOptions = section(AudioOptions(), "How audio is read.")
    backend: BackendOptions = section(BackendOptions(), "How the network is computed.")
    search: GreedySearch = section(GreedySearch(), "How tokens are chosen.")
    confidence: ConfidenceOptions = section(ConfidenceOptions(), "What confidences mean.")
    long_form: LongFormOptions = section(LongFormOptions(), "How long files are divided.")
    batch: BatchOptions = section(BatchOptions(), "How windows are grouped.")
    live: LiveOptions = section(
        LiveOptions(), "How live streams are divided, and what is shown of them."
    )
    endpoint: EndpointOptions = section(
        EndpointOptions(), "Where the utterances of live streams end."
    )
    segments: SegmentOptions = section(SegmentOptions(), "Where segments end.")
    subtitles: SubtitleOptions = section(SubtitleOptions(), "How SRT and VTT blocks are laid out.")
    output: OutputOptions = section(OutputOptions(), "Where results go.")
    hub: HubOptions = section(HubOptions(), "Where models are fetched from and kept.")
    server: ServerOptions = section(ServerOptions(), "How `eclectus serve` serves.")
    queue: QueueOptions = section(QueueOptions(), "Where batch workers find their files.")
    storage: StorageOptions = section(StorageOptions(), "How object stores are reached.")
    logging: LoggingOptions = section(LoggingOptions(), "What is logged.")

    @property
    def stream(self) -> StreamOptions:
        """The sections that shape a live stream."""
        return StreamOptions(
            live=self.live,
            endpoint=self.endpoint,
            search=self.search,
            confidence=self.confidence,
            segments=self.segments,
            language=self.language,
        )

    @property
    def transcribe(self) -> TranscribeOptions:
        """The sections that shape a transcript."""
        return TranscribeOptions(
            audio=self.audio,
            search=self.search,
            confidence=self.confidence,
            long_form=self.long_form,
            batch=self.batch,
            segments=self.segments,
            language=self.language,
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """One value that can be set.

    Attributes:
        key: `section.name`, or a bare name at the top.
        option: Its declaration.
    """

    key: str
    option: OptionSpec

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return PREFIX + self.key.upper().replace(".", "__")

    @property
    def default(self) -> object:
        """The value when nothing is set."""
        return self.option.default

    @property
    def help(self) -> str:
        """What it means, one sentence or two."""
        return self.option.declared.help

    @property
    def secret(self) -> bool:
        """Whether it is never shown."""
        return self.option.declared.secret


@cache
def sections() -> Mapping[str, OptionSpec]:
    """Return the declaration of each section, in order; its `type` is the option class."""
    found = {spec.name: spec for spec in specs(Settings) if spec.kind is Kind.SECTION}
    return MappingProxyType(found)


@cache
def schema() -> Mapping[str, Setting]:
    """Return every setting by its key, in the order of the classes."""
    found = {spec.name: Setting(spec.name, spec) for spec in specs(Settings)}
    listed = {name: one for name, one in found.items() if one.option.kind is not Kind.SECTION}
    for name, home in sections().items():
        for spec in specs(home.type):
            listed[f"{name}.{spec.name}"] = Setting(f"{name}.{spec.name}", spec)
    return MappingProxyType(listed)
