"""Transcripts in the shape of Deepgram's answer for recorded files."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any, BinaryIO

from eclectus.apps.server.deepgram.deepgram_terms import (
    alternative,
    confidence_of,
    model_info,
    model_uuid,
    summary,
    word_shape,
)
from eclectus.core.types import Segment, Transcript

_BLOCK = 1 << 20


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
    model_id = model_uuid(name)
    best = alternative(transcript.text, transcript.words)
    if paragraphs:
        best["paragraphs"] = _paragraphs(transcript)
    channel: dict[str, Any] = {"alternatives": [best]}
    if transcript.language is not None:
        channel["detected_language"] = transcript.language
    results: dict[str, Any] = {"channels": [channel]}
    if utterances:
        results["utterances"] = [_utterance(segment) for segment in transcript.segments]
    return {
        "metadata": {
            **summary(str(uuid.uuid4()), sha256, transcript.duration, 1),
            "models": [model_id],
            "model_info": {model_id: model_info(name)},
        },
        "results": results,
    }


def _utterance(segment: Segment) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "start": round(segment.start, 3),
        "end": round(segment.end, 3),
        "confidence": confidence_of(segment.words),
        "channel": 0,
        "transcript": segment.text,
        "words": [word_shape(word) for word in segment.words],
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
