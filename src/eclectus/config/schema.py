"""The list of all settings, read from the option classes: key, type, default, meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType, NoneType
from typing import get_args, get_origin, get_type_hints

from eclectus.config.server_options import ServerOptions
from eclectus.config.worker_options import QueueOptions, StorageOptions
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
    """How much the library tells on standard error."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggingOptions:
    """What is logged.

    Attributes:
        level: The least urgent messages that are shown on standard error.
    """

    level: LogLevel = LogLevel.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set.

    Attributes:
        model: Name of the catalogue, hub id or folder; None for the built-in model.
        language: ISO 639-1 code of the language that is spoken, if known: a hint.
        audio: How audio is read.
        backend: How the network is computed.
        search: How tokens are chosen.
        confidence: What confidences mean.
        long_form: How long files are divided.
        batch: How windows are grouped.
        live: How live streams are divided, and what is shown of them.
        endpoint: Where the utterances of live streams end.
        segments: Where segments end.
        subtitles: How SRT and VTT blocks are laid out.
        output: Where results go.
        hub: Where models are fetched from and kept.
        server: How `eclectus serve` serves.
        queue: Where batch workers find their files.
        storage: How object stores are reached.
        logging: What is logged.
    """

    model: str | None = None
    language: str | None = None
    audio: AudioOptions = AudioOptions()
    backend: BackendOptions = BackendOptions()
    search: GreedySearch = GreedySearch()
    confidence: ConfidenceOptions = ConfidenceOptions()
    long_form: LongFormOptions = LongFormOptions()
    batch: BatchOptions = BatchOptions()
    live: LiveOptions = LiveOptions()
    endpoint: EndpointOptions = EndpointOptions()
    segments: SegmentOptions = SegmentOptions()
    subtitles: SubtitleOptions = SubtitleOptions()
    output: OutputOptions = OutputOptions()
    hub: HubOptions = HubOptions()
    server: ServerOptions = ServerOptions()
    queue: QueueOptions = QueueOptions()
    storage: StorageOptions = StorageOptions()
    logging: LoggingOptions = LoggingOptions()

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
        kind: The annotated type.
        default: The value when nothing is set.
        help: What it means, one sentence or two.
        secret: Never shown.
    """

    key: str
    kind: object
    default: object
    help: str
    secret: bool = field(default=False)

    @property
    def variable(self) -> str:
        """The name of its environment variable."""
        return PREFIX + self.key.upper().replace(".", "__")

    @property
    def optional(self) -> bool:
        """True if None is a value of it."""
        return NoneType in get_args(self.kind)

    @property
    def many(self) -> bool:
        """True for a list of values."""
        return get_origin(self.kind) is tuple

    @property
    def choices(self) -> tuple[str, ...]:
        """What is possible, where that is a short list."""
        if isinstance(self.kind, type) and issubclass(self.kind, StrEnum):
            return tuple(member.value for member in self.kind)
        return ()


def attribute_help(docstring: str | None) -> Mapping[str, str]:
    """Read the `Attributes:` section of a Google-style docstring."""
    _, _, section = (docstring or "").partition("Attributes:")
    entries = re.findall(
        r"^ {8}(\w+): (.*?)(?=^ {8}\w+:|^ {0,4}\S|\Z)", section, re.MULTILINE | re.DOTALL
    )
    return {name: " ".join(text.split()) for name, text in entries}


def _settings_of(section: type, prefix: str) -> list[Setting]:
    hints = get_type_hints(section)
    helps = attribute_help(section.__doc__)
    return [
        Setting(prefix + item.name, hints[item.name], item.default, helps[item.name], not item.repr)
        for item in fields(section)
        if not is_dataclass(hints[item.name])
    ]


@cache
def sections() -> Mapping[str, type]:
    """Return the option class of each section, in order."""
    hints = get_type_hints(Settings)
    names = [item.name for item in fields(Settings)]
    return MappingProxyType({name: hints[name] for name in names if is_dataclass(hints[name])})


@cache
def schema() -> Mapping[str, Setting]:
    """Return every setting by its key, in the order of the classes."""
    listed = _settings_of(Settings, "")
    for name, section in sections().items():
        listed += _settings_of(section, f"{name}.")
    return MappingProxyType({setting.key: setting for setting in listed})
