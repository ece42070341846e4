"""Transcripts as the files that `eclectus transcribe` writes, for the routes that are our own."""

from __future__ import annotations

from fastapi import Response

from eclectus.core.types import Transcript
from eclectus.output.registry import format_named, render
from eclectus.output.transcript_format import RenderOptions
from eclectus.service.service import SpeechService


def file_response(transcript: Transcript, name: str, service: SpeechService) -> Response:
    """Answer with a transcript in one of the output formats, as the settings shape it.

    Raises:
        OptionError: There is no such format.
    """
    options = RenderOptions.of(service.settings.output, service.settings.subtitles)
    media_type = f"{format_named(name).media_type}; charset=utf-8"
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(render(transcript, name, options), media_type=media_type, headers=headers)
