"""The events that a session returns as audio arrives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from eclectus.core.types import Segment, Word


class EndpointReason(StrEnum):
    """Why an utterance ended.

    Silence; the maximum length of an utterance; the caller's `flush`; a special token of the model
    that marks the end.
    """

    SILENCE = "silence"
    LENGTH = "length"
    FLUSH = "flush"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Partial:
    """A draft of the words after the final ones of the utterance; the next event replaces it.

    Attributes:
        words: May change until they are final; if empty, an earlier draft is withdrawn.
        stable: How many of them, from the first, are the same as in the draft before.
    """

    words: tuple[Word, ...]
    stable: int = 0

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class Final:
    """Words that will not change any more, following those of the `Final` before.

    Attributes:
        words: At least one.
    """

    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words joined by single spaces."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True, slots=True)
class SegmentDone:
    """A segment of final words. It never changes, and each final word is in exactly one."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class LanguageDetected:
    """The language of the last final words; sent once it is certain, and when it changes.

    Attributes:
        language: ISO 639-1 code.
        confidence: As of `LanguageGuess`.
        at: End of the last word that it was identified from, in seconds from the beginning of the
            stream.
    """

    language: str
    confidence: float
    at: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech began.

    Attributes:
        at: Seconds from the beginning of the stream.
    """

    at: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An utterance ended, and all its words are final.

    Attributes:
        at: Where its speech ended, in seconds from the beginning of the stream.
        reason: Why the utterance ended.
    """

    at: float
    reason: EndpointReason


@dataclass(frozen=True, slots=True)
class Ended:
    """The stream is over; nothing follows.

    Attributes:
        duration: Seconds of audio in all.
    """

    duration: float


Event: TypeAlias = (
    Partial | Final | LanguageDetected | SegmentDone | SpeechStarted | Endpoint | Ended
)
