"""Models as clients name them."""

from __future__ import annotations

from collections.abc import Callable

from eclectus.core.errors import UnknownModelError
from eclectus.service.service import SpeechService

OPENAI_NAMES = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
)
"""OpenAI's own models. Clients of every protocol send these names."""


def resolve_model(
    name: str | None,
    service: SpeechService,
    is_alias: Callable[[str], bool] = lambda _: False,
) -> str:
    """Return the served model that a client means.

    Args:
        name: As the client wrote it; None or empty for the default model.
        service: Whose models count.
        is_alias: Whether a name that is not served means the default model on this wire.

    Raises:
        UnknownModelError: There is none of this name.
    """
    if not name or name in OPENAI_NAMES:
        return service.pool.default
    if name in service.pool.names:
        return name
    short = {one.rpartition("/")[2]: one for one in service.pool.names}
    if name.rpartition("/")[2] in short:
        return short[name.rpartition("/")[2]]
    if is_alias(name):
        return service.pool.default
    known = ", ".join(service.pool.names)
    raise UnknownModelError(f"there is no model {name!r} here; there are: {known}", model=name)
