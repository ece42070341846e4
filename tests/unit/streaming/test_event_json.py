"""Events as programs read them."""

import json
from typing import get_args

import pytest

from eclectus.core.types import Segment, Word
from eclectus.streaming.event_json import event_fields
from eclectus.streaming.events import (
    Ended,
    Endpoint,
    EndpointReason,
    Event,
    Final,
    LanguageDetected,
    Partial,
    SegmentDone,
    SpeechStarted,
)

WORDS = (Word("a", 0.12345, 0.2, 0.98765), Word("b", 0.2, 0.4, 1.0))
SPOKEN = {
    "text": "a b",
    "words": [
        {"text": "a", "start": 0.123, "end": 0.2, "confidence": 0.9877},
        {"text": "b", "start": 0.2, "end": 0.4, "confidence": 1.0},
    ],
}
CASES: list[tuple[Event, dict[str, object]]] = [
    (SpeechStarted(0.12345), {"type": "speech_started", "at": 0.123}),
    (Partial(WORDS, 1), {"type": "partial", "stable": 1, **SPOKEN}),
    (Final(WORDS), {"type": "final", **SPOKEN}),
    (
        LanguageDetected("de", 0.98765, 1.0),
        {"type": "language", "language": "de", "confidence": 0.9877, "at": 1.0},
    ),
    (
        SegmentDone(Segment(WORDS, 0.12345, 0.4, language="de", language_confidence=0.98765)),
        {
            "type": "segment",
            "text": "a b",
            "start": 0.123,
            "end": 0.4,
            "language": "de",
            "language_confidence": 0.9877,
        },
    ),
    (
        Endpoint(1.23456, EndpointReason.LENGTH),
        {"type": "endpoint", "reason": "length", "at": 1.235},
    ),
    (Ended(2.0004), {"type": "ended", "duration": 2.0}),
]


@pytest.mark.parametrize(("event", "fields"), CASES)
def test_an_event_has_these_fields(event: Event, fields: dict[str, object]) -> None:
    assert json.loads(json.dumps(event_fields(event))) == fields


def test_every_kind_of_event_is_among_these() -> None:
    assert {type(event) for event, _ in CASES} == set(get_args(Event))
