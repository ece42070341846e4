"""The sessions of OpenAI's Realtime protocol: what clients set, and how it is told.

Two forms are spoken: that of the general release, and the beta's, which is flat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eclectus.apps.server.common.samples import Encoding
from eclectus.apps.server.common.wire_errors import HttpError
from eclectus.core.options import EndpointOptions, StreamOptions

LOGPROBS = "item.input_audio_transcription.logprobs"
_TELEPHONE_HZ = 8_000
_LEAST_SILENCE_MS = 100  # less is found inside words
_LEAST_THRESHOLD = 0.01
_EAGERNESS = {"low": 2.0, "high": 0.5}
_BETA_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_BETA_NAMES = {kind: name for name, kind in _BETA_FORMATS.items()}
_ENCODINGS = {
    "audio/pcm": Encoding.PCM16,
    "audio/pcmu": Encoding.ULAW,
    "audio/pcma": Encoding.ALAW,
}
_BETA_KEYS = (
    "input_audio_format",
    "input_audio_transcription",
    "input_audio_noise_reduction",
    "turn_detection",
)

_Milliseconds: TypeAlias = Annotated[int, Field(ge=0, le=60_000)]


class _Shape(BaseModel):
    # What a newer client says beside this is none of our business.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class AudioFormat(_Shape):
    """`format`: OpenAI's own PCM is at 24 kHz; here any common rate is taken."""

    type: Literal["audio/pcm", "audio/pcmu", "audio/pcma"] = "audio/pcm"
    rate: Annotated[int, Field(ge=8_000, le=192_000)] = 24_000

    @property
    def encoding(self) -> Encoding:
        """How a sample is written."""
        return _ENCODINGS[self.type]

    @property
    def sample_rate(self) -> int:
        """In Hz; that of G.711 is fixed."""
        return self.rate if self.type == "audio/pcm" else _TELEPHONE_HZ


class Transcription(_Shape):
    """`transcription`."""

    model: str | None = None
    language: str | None = None
    prompt: str | None = None


class TurnDetection(_Shape):
    """`turn_detection`: what is not given is the server's own."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    prefix_padding_ms: _Milliseconds | None = None
    silence_duration_ms: _Milliseconds | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None


class NoiseReduction(_Shape):
    """`noise_reduction`; there is none here."""

    type: str | None = None


class _Input(_Shape):
    format: AudioFormat | None = None
    transcription: Transcription | None = None
    turn_detection: TurnDetection | None = None
    noise_reduction: NoiseReduction | None = None


class _Audio(_Shape):
    input: _Input = _Input()


class _Session(_Shape):
    type: Literal["transcription"] = "transcription"
    audio: _Audio = _Audio()
    include: list[str] | None = None


@dataclass(frozen=True, slots=True)
class SessionConfig:
    """What holds in a session.

    Attributes:
        format: Of the audio.
        transcription: Model and language, as the client named them.
        turns: How the server finds turns; None if the client commits them.
        noise_reduction: As the client asked; there is none.
        include: What else is told.
    """

    format: AudioFormat = AudioFormat()
    transcription: Transcription = Transcription()
    turns: TurnDetection | None = TurnDetection()
    noise_reduction: NoiseReduction | None = None
    include: tuple[str, ...] = ()

    @property
    def logprobs(self) -> bool:
        """Whether tokens are told with their log-probabilities."""
        return LOGPROBS in self.include

    def updated(self, given: object) -> SessionConfig:
        """Return the configuration with what a `session` object changes, in either form.

        Raises:
            HttpError: A value is impossible; its `param` names it.
        """
        if isinstance(given, dict) and any(key in given for key in _BETA_KEYS):
            given = _from_beta(given)
        try:
            session = _Session.model_validate(given)
        except ValidationError as error:
            raise _refusal(error) from error
        config = self
        if "include" in session.model_fields_set:
            config = replace(config, include=tuple(session.include or ()))
        told, names = session.audio.input, session.audio.input.model_fields_set
        if told.format is not None:
            config = replace(config, format=told.format)
        if told.transcription is not None:
            named = told.transcription.model or self.transcription.model
            asked = told.transcription.model_copy(update={"model": named})
            config = replace(config, transcription=asked)
        if "turn_detection" in names:
            config = replace(config, turns=told.turn_detection)
        if "noise_reduction" in names:
            config = replace(config, noise_reduction=told.noise_reduction)
        return config

    def stream_options(self, server: StreamOptions) -> StreamOptions:
        """Return the options of the session's stream: final words only, its own turns."""
        return replace(
            server,
            live=replace(server.live, emit_partial=False),
            endpoint=_endpoints(self.turns, server.endpoint),
        )


def first_config(server: EndpointOptions, transcription: Transcription) -> SessionConfig:
    """Return what holds before the client has said anything."""
    turns = TurnDetection() if server.enabled else None
    return SessionConfig(turns=turns, transcription=transcription)


def general_shape(config: SessionConfig, identity: str, server: EndpointOptions) -> dict[str, Any]:
    """Return a `session` object as the general release tells it."""
    form: dict[str, Any] = {"type": config.format.type}
    if config.format.type == "audio/pcm":
        form["rate"] = config.format.rate
    return {
        "id": identity,
        "object": "realtime.transcription_session",
        "type": "transcription",
        "audio": {
            "input": {
                "format": form,
                "transcription": config.transcription.model_dump(),
                "turn_detection": _told_turns(config.turns, server),
                "noise_reduction": _told(config.noise_reduction),
            }
        },
        "include": list(config.include),
    }


def beta_shape(config: SessionConfig, identity: str, server: EndpointOptions) -> dict[str, Any]:
    """Return a `session` object as the beta tells it."""
    return {
        "id": identity,
        "object": "realtime.transcription_session",
        "modalities": ["text"],
        "input_audio_format": _BETA_NAMES[config.format.type],
        "input_audio_transcription": config.transcription.model_dump(),
        "turn_detection": _told_turns(config.turns, server),
        "input_audio_noise_reduction": _told(config.noise_reduction),
        "include": list(config.include),
    }


def _told(shape: _Shape | None) -> dict[str, Any] | None:
    return None if shape is None else shape.model_dump()


def _endpoints(turns: TurnDetection | None, server: EndpointOptions) -> EndpointOptions:
    if turns is None:
        return replace(server, enabled=False)
    return replace(
        server,
        enabled=True,
        threshold=_threshold(turns, server),
        silence_s=max(_LEAST_SILENCE_MS, _silence_ms(turns, server)) / 1000,
        pre_roll_s=_padding_ms(turns, server) / 1000,
    )


def _threshold(turns: TurnDetection, server: EndpointOptions) -> float:
    if turns.threshold is None:
        return server.threshold
    # OpenAI's range has both its ends, which mean all and nothing.
    return min(max(turns.threshold, _LEAST_THRESHOLD), 1 - _LEAST_THRESHOLD)


def _silence_ms(turns: TurnDetection, server: EndpointOptions) -> int:
    if turns.silence_duration_ms is not None:
        return turns.silence_duration_ms
    return round(server.silence_s * 1000 * _EAGERNESS.get(turns.eagerness or "auto", 1.0))


def _padding_ms(turns: TurnDetection, server: EndpointOptions) -> int:
    if turns.prefix_padding_ms is not None:
        return turns.prefix_padding_ms
    return round(server.pre_roll_s * 1000)


def _told_turns(turns: TurnDetection | None, server: EndpointOptions) -> dict[str, Any] | None:
    if turns is None:
        return None
    if turns.type == "semantic_vad":
        return {"type": turns.type, "eagerness": turns.eagerness or "auto"}
    return {
        "type": turns.type,
        "threshold": server.threshold if turns.threshold is None else turns.threshold,
        "prefix_padding_ms": _padding_ms(turns, server),
        "silence_duration_ms": _silence_ms(turns, server),
    }


def _from_beta(given: dict[str, Any]) -> dict[str, Any]:
    """Return the general release's form of a beta session."""
    told: dict[str, Any] = {}
    name = given.get("input_audio_format")
    if name is not None:
        kind = _BETA_FORMATS.get(name, name) if isinstance(name, str) else name
        told["format"] = {"type": kind}
    for theirs, ours in (
        ("input_audio_transcription", "transcription"),
        ("turn_detection", "turn_detection"),
        ("input_audio_noise_reduction", "noise_reduction"),
    ):
        if theirs in given:
            told[ours] = given[theirs]
    rest = {"include": given["include"]} if "include" in given else {}
    return {"audio": {"input": told}, **rest}


def _refusal(error: ValidationError) -> HttpError:
    first = error.errors()[0]
    place = ".".join(["session", *(str(part) for part in first["loc"])])
    return HttpError(400, f"{place}: {first['msg']}", param=place, code="invalid_value")
