"""Loads the model that the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from eclectus.api import load
from eclectus.apps.cli.background import in_background
from eclectus.models.library import locate
from eclectus.models.references import HubReference, parse

if TYPE_CHECKING:
    from eclectus.api import Model
    from eclectus.config.schema import Settings


BUILTIN_HINT = (
    "eclectus: this is the small built-in demonstration model for English; "
    "`eclectus models pull parakeet-tdt-0.6b-v3` fetches a real one"
)


def load_recognizer(settings: Settings, *, quiet: bool, little: bool = False) -> Model:
    """Load the model, fetching it first if it is not on this machine, with progress unless quiet.

    Args:
        settings: Name the model.
        quiet: Show no progress.
        little: There is little audio: the first word matters more than the pace.

    Raises:
        ModelError: There is no such model, or it can't be had.
        BackendError: It can't be run here.
        OptionError: It can't be run as the settings want it.
    """
    _fetch(settings, quiet=quiet)

    def loading() -> Iterator[Model]:
        fast_start = settings.backend.fast_start or little
        yield load(
            settings.model,
            backend=replace(settings.backend, fast_start=fast_start),
            hub=settings.hub,
            options=settings.transcribe,
        )

    # Gigabytes take seconds to load; Ctrl-C need not wait for them.
    return next(in_background(loading()))


def _fetch(settings: Settings, *, quiet: bool) -> None:
    reference = parse(settings.model)
    if not isinstance(reference, HubReference):
        return
    precision = settings.backend.precision
    if locate(reference, settings.hub, precision) is not None:
        return
    from eclectus.apps.cli.downloads import download_progress
    from eclectus.models.pull import pull

    with download_progress(quiet=quiet) as report:
        pull(reference, precision, settings.hub, on_progress=report)
