"""The events of a stream as plain values, for JSON.

Every event has its `type`; times are seconds of the stream with 3 decimals, confidences have 4::

    {type: speech_started, at}
    {type: partial, text, words: [{text, start, end, confidence}], stable}
    {type: final, text, words}
    {type: language, language, confidence, at}
    {type: segment, text, start, end, language, language_confidence}
    {type: endpoint, at, reason}
    {type: ended, duration}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from eclectus.core.types import Segment, Word
from eclectus.output.clean import rounded
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    Event,
    Final,
    LanguageDetected,
    Partial,
    SegmentDone,
    SpeechStarted,
)

Fields: TypeAlias = dict[str, object]

_TYPES: Mapping[type[Event], str] = {
    SpeechStarted: "speech_started",
    Partial: "partial",
    Final: "final",
    LanguageDetected: "language",
    SegmentDone: "segment",
    Endpoint: "endpoint",
    Ended: "ended",
}


def event_fields(event: Event) -> Fields:
    """Return an event as values that JSON has."""
    match event:
        case SpeechStarted():
            fields: Fields = {"at": rounded(event.at, 3)}
        case Partial():
            fields = {"stable": event.stable, **_spoken(event)}
        case Final():
            fields = _spoken(event)
        case LanguageDetected():
            confidence = rounded(event.confidence, 4)
            fields = {"language": event.language, "confidence": confidence}
            fields["at"] = rounded(event.at, 3)
        case SegmentDone():
            fields = _segment(event.segment)
        case Endpoint():
            fields = {"reason": event.reason.value, "at": rounded(event.at, 3)}
        case Ended():
            fields = {"duration": rounded(event.duration, 3)}
    return {"type": _TYPES[type(event)], **fields}


def word_fields(word: Word) -> Fields:
    """Return a word as values that JSON has."""
    return {
        "text": word.text,
        "start": rounded(word.start, 3),
        "end": rounded(word.end, 3),
        "confidence": rounded(word.confidence, 4),
    }


def _spoken(event: Partial | Final) -> Fields:
    return {"text": event.text, "words": [word_fields(word) for word in event.words]}


def _segment(segment: Segment) -> Fields:
    return {
        "text": segment.text,
        "start": rounded(segment.start, 3),
        "end": rounded(segment.end, 3),
        "language": segment.language,
        "language_confidence": rounded(segment.language_confidence, 4),
    }
