"""Variables of other Parakeet systems that mean something here.

Each is the twin of one setting; `ECLECTUS_…` wins over it. Variables of those systems that steer
what eclectus does not do yet are not in this table and are not read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from eclectus.core.errors import OptionError
from eclectus.core.timebase import SAMPLE_RATE

_PRECISIONS = {"float32": "fp32", "float16": "fp16", "half": "fp16", "bfloat16": "bf16"}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


@dataclass(frozen=True, slots=True)
class Alias:
    """A variable of another system.

    Attributes:
        variable: Its name there.
        key: The setting that it sets; None if its value is only checked.
        note: How the value is understood, empty if as it stands.
        convert: From its value to the setting's.
    """

    variable: str
    key: str | None
    note: str = ""
    convert: Callable[[str], str] = str.strip


def _model(value: str) -> str:
    return value.strip().removeprefix("mlx-community/")


def _precision(value: str) -> str:
    value = value.strip().lower()
    return _PRECISIONS.get(value, value)


def _fp32_switch(value: str) -> str:
    value = value.strip().lower()
    if value not in _TRUE | _FALSE:
        raise OptionError("PARAKEET_FP32 is a switch: true or false", variable="PARAKEET_FP32")
    return "fp32" if value in _TRUE else "auto"


def _milliseconds(value: str) -> str:
    try:
        return str(float(value) / 1000)
    except ValueError as error:
        raise OptionError(f"{value!r} is not a number of milliseconds", value=value) from error


def _log_level(value: str) -> str:
    value = value.strip().lower()
    return {"warn": "warning", "critical": "error", "fatal": "error", "trace": "debug"}.get(
        value, value
    )


def _sample_rate(value: str) -> str:
    if value.strip() != str(SAMPLE_RATE):
        raise OptionError(
            f"the sample rate {value!r} is impossible: Parakeet models hear {SAMPLE_RATE} Hz "
            "only; audio of any rate is converted to that; remove the variable or set "
            f"{SAMPLE_RATE}",
            value=value,
        )
    return value


ALIASES: tuple[Alias, ...] = (
    Alias("PARAKEET_MODEL", "model", "`mlx-community/` is dropped: the same checkpoint", _model),
    Alias("PARAKEET_PRECISION", "backend.precision", "also `float16`, `bfloat16` …", _precision),
    Alias("MODEL_PRECISION", "backend.precision", "also `float16`, `bfloat16` …", _precision),
    Alias("PARAKEET_FP32", "backend.precision", "true is `fp32`, false is `auto`", _fp32_switch),
    Alias("DEVICE", "backend.device", "", lambda value: value.strip().lower()),
    Alias("BATCH_SIZE", "batch.size"),
    Alias("CHUNK_LEN_SEC", "long_form.window_s"),
    Alias("PARAKEET_CHUNK_MS", "live.chunk_s", "milliseconds", _milliseconds),
    Alias("PARAKEET_EMIT_PARTIAL", "live.emit_partial"),
    Alias("PARAKEET_MIN_CONFIDENCE", "live.min_confidence"),
    Alias("PARAKEET_CHUNK_DURATION", "long_form.window_s"),
    Alias("PARAKEET_OVERLAP_DURATION", "long_form.overlap_s"),
    Alias("VAD_THRESHOLD", "endpoint.threshold"),
    Alias("MAX_AUDIO_DURATION", "audio.max_duration_s"),
    Alias("PARAKEET_OUTPUT_FORMAT", "output.formats"),
    Alias("PARAKEET_OUTPUT_DIR", "output.directory"),
    Alias("PARAKEET_OUTPUT_TEMPLATE", "output.template"),
    Alias("PARAKEET_HIGHLIGHT_WORDS", "subtitles.highlight_words"),
    Alias("PARAKEET_MAX_WORDS", "segments.max_words"),
    Alias("PARAKEET_SILENCE_GAP", "segments.silence_gap_s"),
    Alias("PARAKEET_MAX_DURATION", "segments.max_duration_s"),
    Alias("MAX_CPS", "subtitles.max_characters_per_s"),
    Alias("MAX_LINE_CHARS", "subtitles.max_line_characters"),
    Alias("MAX_LINES_PER_BLOCK", "subtitles.max_lines"),
    Alias("MIN_SEGMENT_DURATION_SEC", "subtitles.min_duration_s"),
    Alias("MAX_SEGMENT_DURATION_SEC", "subtitles.max_duration_s"),
    Alias("PARAKEET_CACHE_DIR", "hub.cache_dir"),
    Alias("PROCESSING_TIMEOUT", "server.processing_timeout_s"),
    Alias("LOG_LEVEL", "logging.level", "also `WARN`, `CRITICAL`", _log_level),
    Alias("TARGET_SR", None, "must be 16000", _sample_rate),
    Alias("TARGET_SAMPLE_RATE", None, "must be 16000", _sample_rate),
)
