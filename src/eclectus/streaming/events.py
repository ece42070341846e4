"""What a session tells as audio arrives."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from eclectus.core.types import Segment, Word


class EndpointReason(StrEnum):
    """Why an utterance ended.

    Silence; its greatest length; the caller's `flush`; a token of the model's own that says so.
    """

    SILENCE = "silence"
    LENGTH = "length"
    FLUSH = "flush"
    TOKEN = "token"


@dataclass(frozen=True, slots=True)
class Partial:
    """A draft of what follows the final words of the utterance; the next event replaces it.

    Attributes:
        words: May change until they are final; empty takes an earlier draft back.
        stable: How many of them, from the first, the draft before had too.
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
    """A segment whose words have all been final; each word is in exactly one."""

    segment: Segment


@dataclass(frozen=True, slots=True)
class LanguageDetected:
    """The language of the last final words; told when it is sure, and again when it changes.

    Attributes:
        language: ISO 639-1 code.
        confidence: As of `LanguageGuess`.
        at: End of the last word that told it, in seconds from the beginning of the stream.
    """

    language: str
    confidence: float
    at: float


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Somebody began to speak.

    Attributes:
        at: Seconds from the beginning of the stream.
    """

    at: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An utterance ended, and all its words are final.

    Attributes:
        at: Where its speech ended, in seconds from the beginning of the stream.
        reason: Why.
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
