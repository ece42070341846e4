"""Transcripts in the shape of Deepgram's answer for recorded files."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

from eclectus.core.types import Segment, Transcript, Word

_BLOCK = 1 << 20
_SIGNS = ".,;:!?¿¡…\"'()[]{}«»„“”‘’—–-"


def digest(file: BinaryIO, start: int = 0) -> str:
    """Return the SHA-256 of a file from a place on, in hexadecimal digits."""
    found = hashlib.sha256()
    file.seek(start)
    while block := file.read(_BLOCK):
        found.update(block)
    return found.hexdigest()


def recorded(
    transcript: Transcript, sha256: str, *, utterances: bool, paragraphs: bool
) -> dict[str, Any]:
    """Return the answer: metadata, and results of one channel with one alternative."""
    name = transcript.model or ""
    model_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"eclectus:{name}"))
    alternative: dict[str, Any] = {
        "transcript": transcript.text,
        "confidence": _confidence(transcript.words),
        "words": [_word(word) for word in transcript.words],
    }
    if paragraphs:
        alternative["paragraphs"] = _paragraphs(transcript)
    channel: dict[str, Any] = {"alternatives": [alternative]}
    if transcript.language is not None:
        channel["detected_language"] = transcript.language
    results: dict[str, Any] = {"channels": [channel]}
    if utterances:
        results["utterances"] = [_utterance(segment) for segment in transcript.segments]
    return {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": str(uuid.uuid4()),
            "sha256": sha256,
            "created": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "duration": round(transcript.duration, 4),
            "channels": 1,
            "models": [model_id],
            "model_info": {model_id: {"name": name, "version": "", "arch": "parakeet"}},
        },
        "results": results,
    }


def bare(text: str) -> str:
    """Return a word in small letters without the signs around it, as Deepgram's `word`."""
    return text.strip(_SIGNS).lower() or text.lower()


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": bare(word.text),
        "start": round(word.start, 3),
        "end": round(word.end, 3),
        "confidence": round(word.confidence, 4),
        "punctuated_word": word.text,
    }


def _utterance(segment: Segment) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "confidence": _confidence(segment.words),
        "channel": 0,
        "transcript": segment.text,
        "words": [_word(word) for word in segment.words],
    }


def _paragraphs(transcript: Transcript) -> dict[str, Any]:
    """Return all sentences as one paragraph."""
    sentences = [
        {"text": segment.text, "start": round(segment.start, 3), "end": round(segment.end, 3)}
        for segment in transcript.segments
    ]
    if not sentences:
        return {"transcript": "", "paragraphs": []}
    paragraph = {
        "sentences": sentences,
        "num_words": len(transcript.words),
        "start": sentences[0]["start"],
        "end": sentences[-1]["end"],
    }
    return {"transcript": f"\n{transcript.text}", "paragraphs": [paragraph]}


def _confidence(words: Sequence[Word]) -> float:
    return round(sum(word.confidence for word in words) / len(words), 4) if words else 0.0
