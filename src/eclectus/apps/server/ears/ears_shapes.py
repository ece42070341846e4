"""The messages of eaRS: what clients may say, and what they are told."""

from __future__ import annotations

import json
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from eclectus.apps.server.common.json_reader import read_object
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.core.types import FloatArray, Segment, Word

SAMPLE_RATE = 24_000
ENGINE = "parakeet"
OWN_ENGINES = frozenset({"parakeet", "prkt", "parakeet-rs", "parakeet_rs", "nemotron"})
"""Names of eaRS' engines with NVIDIA's models; all are the one engine that there is."""

OTHER_ENGINES = frozenset({"kyutai", "moshi", "transcribe-cpp", "transcribe_cpp", "tcpp"})
"""Names of eaRS' other engines."""

EXTENSIONS = frozenset({"language_detected", "segment", "confidence"})
"""What clients may ask for beyond eaRS."""

BUSY = "server busy - maximum concurrent sessions reached"
BROKEN = "internal server error"
LISTENERS_OFF = "listener mode is disabled"

Message: TypeAlias = dict[str, object]


# What clients say


@dataclass(frozen=True, slots=True)
class Command:
    """A text message that means something.

    Attributes:
        kind: Its `type`.
        value: Its one field, of the right type; None if it has none.
    """

    kind: str
    value: Any = None

    @property
    def listens(self) -> bool:
        """Whether it is one of those that make a connection a listener's."""
        return self.kind in LISTENER_COMMANDS


_FIELDS: Mapping[str, tuple[str, type | tuple[type, ...]] | None] = {
    "stop": None,
    "restart": None,
    "pause": None,
    "resume": None,
    "getstatus": None,
    "liststreams": None,
    "setlanguage": ("lang", str),
    "setvadtimeout": ("seconds", (int, float)),
    "setengine": ("engine", str),
    "authenticate": ("token", str),
    "subscribe": ("stream_id", int),
    "configure": ("extensions", list),
}
LISTENER_COMMANDS = frozenset({"authenticate", "liststreams", "subscribe"})
_UNKNOWN: tuple[str, tuple[type, ...]] = ("", ())
_STOP = "stop"


def parse_command(text: str) -> Command | None:
    """Understand a text message; None for what eaRS ignores: unknown, broken, endless."""
    if text.strip().lower() == _STOP:
        return Command(_STOP)
    try:
        return _command_of(read_object(text))
    except HttpError:
        return None


def _command_of(message: Mapping[str, object]) -> Command | None:
    kind = message.get("type")
    if not isinstance(kind, str):
        return None
    if kind.lower() == _STOP:
        return Command(_STOP)
    field = _FIELDS.get(kind, _UNKNOWN)
    if field is None:
        return Command(kind)
    name, wanted = field
    value = message.get(name)
    fits = isinstance(value, wanted) and not isinstance(value, bool)
    return Command(kind, value) if fits else None


def parse_audio(frame: bytes) -> FloatArray:
    """Return the samples (n,) of a binary frame; the 1 to 3 bytes after the last are dropped."""
    return np.frombuffer(frame, "<f4", count=len(frame) // 4).astype(np.float32, copy=False)


def known_extensions(names: Collection[object]) -> frozenset[str]:
    """Return those of the names that are extensions."""
    return EXTENSIONS.intersection(name for name in names if isinstance(name, str))


# What they are told


def word_message(word: Word, extensions: Collection[str]) -> Message:
    """A word that has just become final: its end is null, by which `ears` knows a live word."""
    message: Message = {
        "type": "word",
        "word": word.text,
        "start_time": _seconds(word.start),
        "end_time": None,
    }
    if "confidence" in extensions:
        message["confidence"] = round(word.confidence, 4)
    return message


def segment_message(segment: Segment) -> Message:
    """A sentence whose words have all been told (extension)."""
    return {
        "type": "segment",
        "text": segment.text,
        "start_time": _seconds(segment.start),
        "end_time": _seconds(segment.end),
    }


def language_message(code: str, confidence: float) -> Message:
    """The language that is spoken (extension)."""
    return {
        "type": "language_detected",
        "lang": code,
        "language": code,
        "confidence": round(confidence, 4),
    }


def status_message(*, vad: bool) -> Message:
    """What `getstatus` asks for; the nulls are eaRS' own with a Parakeet model."""
    return {
        "type": "status",
        "paused": False,
        "vad": vad,
        "timestamps": False,
        "vad_timeout": None,
        "lang": None,
        "engine": ENGINE,
    }


def engine_message() -> Message:
    """The engine of the session, which just began or goes on with it."""
    return {"type": "enginechanged", "engine": ENGINE}


def error_message(text: str) -> Message:
    """Something is wrong; the connection may go on."""
    return {"type": "error", "message": text}


def engine_replies(name: str) -> Iterator[Message]:
    """What `setengine` is answered; whatever it names, the session goes on."""
    known = name.strip().lower()
    if known in OWN_ENGINES:
        yield engine_message()
    elif known in OTHER_ENGINES:
        # The page that asked shows the engine that it really has.
        yield engine_message()
        yield error_message("engine not available")
    else:
        yield error_message("unknown engine")


_END = b"\n"


class SessionWords:
    """All words of a session, for its `final`: some 30 bytes a word, a day is 7 MB."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._numbers = array("d")

    def __len__(self) -> int:
        return len(self._numbers) // 3

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(self._texts())

    def add(self, word: Word) -> None:
        """Add a word."""
        self._text += word.text.encode() + _END
        self._numbers.extend((word.start, word.end, word.confidence))

    def clear(self) -> None:
        """Forget all."""
        self._text.clear()
        del self._numbers[:]

    def final(self, extensions: Collection[str]) -> str:
        """Return the `final` message as JSON text."""
        return to_json({"type": "final", "text": self.text, "words": [*self._words(extensions)]})

    def _texts(self) -> list[str]:
        return [text.decode() for text in self._text.split(_END)[:-1]]

    def _words(self, extensions: Collection[str]) -> Iterator[Message]:
        for place, text in enumerate(self._texts()):
            start, end, confidence = self._numbers[3 * place : 3 * place + 3]
            word: Message = {
                "word": text,
                "start_time": _seconds(start),
                "end_time": _seconds(end),
            }
            if "confidence" in extensions:
                word["confidence"] = round(confidence, 4)
            yield word


def to_json(message: Message) -> str:
    """Return a message as it is sent."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))


def _seconds(value: float) -> float:
    return round(value, 3)
