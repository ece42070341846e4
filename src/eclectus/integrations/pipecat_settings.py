"""What a Pipecat service can be set to, by its settings and by the variables of older bots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipecat.services.settings import STTSettings
from pipecat.utils.types import NOT_GIVEN, NotGiven

from eclectus.config.schema import Settings
from eclectus.config.settings import load_settings
from eclectus.core.errors import OptionError

_WHOLE_TURN_S = 60.0
_FRAME_S = 0.08


@dataclass
class EclectusSTTSettings(STTSettings):
    """What may change while a bot runs; a change holds from the next turn on.

    Attributes:
        left_s: Audio of the past that the encoder sees.
        chunk_s: How much becomes final at a time.
        right_s: Audio of the future that final words wait for.
        emit_partial: Whether interim transcriptions are pushed.
        partial_s: Audio between two interim transcriptions.
        min_confidence: Words below are left out.
    """

    left_s: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    chunk_s: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    right_s: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    emit_partial: bool | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    partial_s: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)
    min_confidence: float | NotGiven = field(default_factory=lambda: NOT_GIVEN)


LIVE = ("left_s", "chunk_s", "right_s", "emit_partial", "partial_s", "min_confidence")
"""The settings that are fields of `LiveOptions` too."""


def bot_settings(variables: Mapping[str, str]) -> Settings:
    """Read the configuration of eclectus and every `PARAKEET_…` variable of older bots.

    Beside those that eclectus always reads: `PARAKEET_CONTEXT_SIZE` is `LEFT,RIGHT` in encoder
    frames of 80 ms; `PARAKEET_ATTENTION_MODE` is `local` or, to hear each turn up to a minute in
    one window, `full`.

    Args:
        variables: The environment.

    Raises:
        OptionError: A value is impossible.
    """
    settings = load_settings(environ=variables).settings
    live = settings.live
    size = variables.get("PARAKEET_CONTEXT_SIZE", "").strip()
    if size:
        left, right = _context_size(size)
        live = replace(live, left_s=left, right_s=right)
    mode = variables.get("PARAKEET_ATTENTION_MODE", "").strip().lower() or "local"
    if mode not in ("local", "full"):
        raise OptionError(f"PARAKEET_ATTENTION_MODE can't be {mode!r}; it is local or full")
    if mode == "full":
        live = replace(live, chunk_s=_WHOLE_TURN_S, right_s=0.0)
    return replace(settings, live=live)


def _context_size(text: str) -> tuple[float, float]:
    try:
        left, right = (int(part) * _FRAME_S for part in text.strip("()[] ").split(","))
    except ValueError as error:
        raise OptionError(
            f"PARAKEET_CONTEXT_SIZE can't be {text!r}; it is LEFT,RIGHT in frames, such as 128,25"
        ) from error
    return left, right
