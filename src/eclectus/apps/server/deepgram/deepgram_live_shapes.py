"""Deepgram's live protocol: the query of `/v1/listen` and the messages that answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eclectus.apps.server.common.samples import Encoding
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.apps.server.deepgram.deepgram_terms import (
    ENCODINGS,
    Channels,
    SampleRate,
    alternative,
    refuse_callback,
)
from eclectus.core.options import EndpointOptions, StreamOptions
from eclectus.core.types import Word

_LEAST_SILENCE_MS = 300  # Deepgram's own default is 10: a pause inside a sentence
_MOST_STREAMS = 8


def _or_none(value: object) -> object:
    return None if value in ("true", "") else value


_Pause: TypeAlias = Annotated[
    Literal["false"] | Annotated[int, Field(ge=0, le=60_000)] | None, BeforeValidator(_or_none)
]


class ListenQuery(BaseModel):
    """The query; what is not listed here changes nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str | None = None
    language: str | None = None
    encoding: Literal["linear16", "linear32", "mulaw", "alaw"]
    sample_rate: SampleRate
    channels: Channels = 1
    multichannel: bool = False
    interim_results: bool = False
    vad_events: bool = False
    endpointing: _Pause = None
    utterance_end_ms: _Pause = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> ListenQuery:
        """Read a query.

        Raises:
            HttpError: Something is missing or impossible.
        """
        if "encoding" not in query:
            raise HttpError(
                400,
                "audio in a container is not taken live: say encoding=linear16 (or linear32, "
                "mulaw, alaw) and sample_rate, and send raw samples",
                param="encoding",
            )
        refuse_callback(query.get("callback"))
        try:
            found = cls.model_validate(dict(query))
        except ValidationError as error:
            first = error.errors()[0]
            place = str(first["loc"][0])
            raise HttpError(400, f"{place}: {first['msg']}", param=place) from error
        if found.streams > _MOST_STREAMS:
            raise HttpError(
                400, f"channels: at most {_MOST_STREAMS} with multichannel", param="channels"
            )
        return found

    @property
    def sample_encoding(self) -> Encoding:
        """How a sample is written."""
        return ENCODINGS[self.encoding]

    @property
    def streams(self) -> int:
        """How many transcripts there are: one, or one a channel."""
        return self.channels if self.multichannel else 1

    @property
    def endpoints(self) -> bool:
        """Whether the ends of utterances are told."""
        return self.endpointing != "false"

    @property
    def utterance_end_s(self) -> float | None:
        """The gap after a word that is told as `UtteranceEnd`."""
        return None if self._end_ms is None else self._end_ms / 1000

    def stream_options(self, server: StreamOptions) -> StreamOptions:
        """Return the options of the streams."""
        live = replace(server.live, emit_partial=self.interim_results and server.live.emit_partial)
        return replace(server, live=live, endpoint=self._endpoint(server.endpoint))

    @property
    def _end_ms(self) -> int | None:
        return self.utterance_end_ms if isinstance(self.utterance_end_ms, int) else None

    def _endpoint(self, server: EndpointOptions) -> EndpointOptions:
        pauses = [
            max(_LEAST_SILENCE_MS, pause) / 1000
            for pause in (self.endpointing, self._end_ms)
            if isinstance(pause, int)
        ]
        if not pauses and self.endpoints:
            return replace(server, enabled=True)
        if not pauses:
            return replace(server, enabled=False)
        own = [server.silence_s] if self.endpointing is None else []
        return replace(server, enabled=True, silence_s=min(pauses + own))


@dataclass(frozen=True, slots=True)
class TimedText:
    """What a result is about: seconds of the stream, and the words in them."""

    start: float
    end: float
    words: Sequence[Word] = ()


def result(
    span: TimedText, channel: tuple[int, int], metadata: Mapping[str, Any], **flags: bool
) -> dict[str, Any]:
    """Return a `Results` message.

    Args:
        span: What it is about.
        channel: Its index and how many there are.
        metadata: Of the request.
        flags: `is_final`, `speech_final` and `from_finalize`; false if not given.
    """
    return {
        "type": "Results",
        "channel_index": list(channel),
        "duration": round(max(0.0, span.end - span.start), 3),
        "start": round(span.start, 3),
        "is_final": flags.get("is_final", False),
        "speech_final": flags.get("speech_final", False),
        "from_finalize": flags.get("from_finalize", False),
        "channel": {"alternatives": [alternative(_text(span.words), span.words)]},
        "metadata": metadata,
    }


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
