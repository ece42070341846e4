"""Models that the services of one process share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from eclectus.api import Model, load
from eclectus.config.schema import Settings
from eclectus.core.errors import OptionError
from eclectus.core.options import StreamOptions
from eclectus.streaming.engine import StreamEngine
from eclectus.streaming.scheduler import StreamScheduler

_LONGEST_S = 30.0


@dataclass(eq=False)
class Ears:
    """A model, its thread, and how many services use them."""

    key: Key
    model: Model
    owned: bool
    engine: StreamEngine
    scheduler: StreamScheduler
    users: int = 0
    delays: dict[float, float] = field(default_factory=dict)

    def delay(self, options: StreamOptions) -> float:
        """Measure how long the last window of a long turn is computed, in seconds."""
        live = options.live
        length_s = min(live.left_s + live.chunk_s + live.right_s, _LONGEST_S)
        if length_s not in self.delays:
            whole = replace(live, left_s=0.0, chunk_s=length_s, right_s=0.0, emit_partial=False)
            self.delays[length_s] = max(
                self._delay_once(replace(options, live=whole), length_s) for _ in range(3)
            )
        return self.delays[length_s]

    def _delay_once(self, options: StreamOptions, length_s: float) -> float:
        rate = self.engine.config.time_base.sample_rate
        noise = np.random.default_rng(0).normal(0, 0.01, round(length_s * rate))
        session = self.model.stream(options)
        self.scheduler.push(session, noise.astype(np.float32)).result()
        start = time.perf_counter()
        self.scheduler.finish(session).result()
        return time.perf_counter() - start


Key: TypeAlias = tuple[object, ...]
_shared: dict[Key, Ears] = {}
_lock = threading.Lock()


def borrow(model: Model | str, settings: Settings) -> Ears:
    """Return the ears of a model, opened for the first who asks; slow, so not for an event loop.

    Raises:
        EclectusError: As for `eclectus.load`.
    """
    owned = isinstance(model, str)
    name = model if isinstance(model, str) else id(model)
    key = (name, settings.search, *((settings.backend, settings.hub) if owned else ()))
    with _lock:
        if key not in _shared:
            _shared[key] = _open(key, model, settings)
        _shared[key].users += 1
        return _shared[key]


def _open(key: Key, model: Model | str, settings: Settings) -> Ears:
    if not isinstance(model, str):
        engine = model.stream_engine(settings.search)
        return Ears(key, model, False, engine, StreamScheduler(engine))
    backend = settings.backend
    loaded = load(model, backend=backend, hub=settings.hub)
    try:
        engine = loaded.stream_engine(settings.search)
    except OptionError:
        loaded.close()
        raise
    return Ears(key, loaded, True, engine, StreamScheduler(engine, threads=backend.threads))


def give_back(ears: Ears) -> None:
    """Let go of a model; the last one closes it, as far as it was opened here."""
    with _lock:
        ears.users -= 1
        if ears.users:
            return
        del _shared[ears.key]
    ears.scheduler.close()
    if ears.owned:
        ears.model.close()
