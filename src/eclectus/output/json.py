"""One JSON document a transcript.

Every key is always there, in this order; what is missing or finer than asked is null::

    {text, language, duration, model,
     segments: [{start, end, text, confidence, speaker, channel, language, language_confidence,
                 words: [{text, start, end, confidence, speaker,
                          tokens: [{id, text, start, end, confidence}]}]}]}

Times are seconds with 3 decimals, confidences have 4.
"""

from __future__ import annotations

import json
from typing import TypeAlias

from eclectus.core.choices import TimestampLevel
from eclectus.core.types import Segment, Token, Transcript, Word
from eclectus.output.clean import rounded

Fields: TypeAlias = dict[str, object]

_FINENESS = tuple(TimestampLevel)


def render(transcript: Transcript, level: TimestampLevel) -> str:
    """Write the document, indented, with a newline at the end."""
    document: Fields = {
        "text": transcript.text,
        "language": transcript.language,
        "duration": rounded(transcript.duration, 3),
        "model": transcript.model,
        "segments": [segment_fields(segment, level) for segment in transcript.segments],
    }
    return json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def segment_fields(segment: Segment, level: TimestampLevel) -> Fields:
    """Return a segment as plain values, no finer than the level."""
    words = [_word_fields(word, level) for word in segment.words]
    return {
        **_times(segment, timed=_has(level, TimestampLevel.SEGMENT)),
        "text": segment.text,
        "confidence": rounded(segment.confidence, 4),
        "speaker": segment.speaker,
        "channel": segment.channel,
        "language": segment.language,
        "language_confidence": rounded(segment.language_confidence, 4),
        "words": words if _has(level, TimestampLevel.WORD) else None,
    }


def _word_fields(word: Word, level: TimestampLevel) -> Fields:
    tokens = [_token_fields(token) for token in word.tokens]
    return {
        "text": word.text,
        **_times(word, timed=True),
        "confidence": rounded(word.confidence, 4),
        "speaker": word.speaker,
        "tokens": tokens if _has(level, TimestampLevel.TOKEN) else None,
    }


def _token_fields(token: Token) -> Fields:
    return {
        "id": token.id,
        "text": token.text,
        **_times(token, timed=True),
        "confidence": rounded(token.confidence, 4),
    }


def _times(item: Segment | Word | Token, *, timed: bool) -> Fields:
    return {
        "start": rounded(item.start, 3) if timed else None,
        "end": rounded(item.end, 3) if timed else None,
    }


def _has(level: TimestampLevel, wanted: TimestampLevel) -> bool:
    return _FINENESS.index(level) >= _FINENESS.index(wanted)
