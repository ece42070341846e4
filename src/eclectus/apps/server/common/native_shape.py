"""Transcripts in the shape of the FastAPI services for Parakeet."""

from __future__ import annotations

from typing import Any

from eclectus.core.types import Segment, Transcript, Word


def native(transcript: Transcript, *, timestamps: bool) -> dict[str, Any]:
    """Return the services' shape; times are seconds."""
    times = {
        "words": [_timed(word) for word in transcript.words],
        "segments": [_timed(segment) for segment in transcript.segments],
    }
    return {"text": transcript.text, "timestamps": times if timestamps else None}


def _timed(part: Word | Segment) -> dict[str, Any]:
    return {"text": part.text, "start": round(part.start, 3), "end": round(part.end, 3)}
