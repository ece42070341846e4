"""The models of a server: loaded on demand, shared, unloaded when nobody uses them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from eclectus.api import Model, load
from eclectus.config.schema import Settings
from eclectus.core.errors import UnknownModelError
from eclectus.models.catalog import BUILTIN_NAME
from eclectus.service.file_scheduler import FileScheduler
from eclectus.service.isolation import DecodingProcesses, is_supported
from eclectus.service.telemetry import Telemetry
from eclectus.signal.decode import open_audio
from eclectus.streaming.engine import StreamEngine
from eclectus.streaming.gate import Gate
from eclectus.streaming.scheduler import StreamScheduler
from eclectus.text.model_languages import language_identifier

LOG = logging.getLogger(__name__)
_WARM_S = 2.0


@dataclass(eq=False)
class Served:
    """A loaded model with its schedulers.

    Attributes:
        name: As clients ask for it.
        model: The model.
        engine: Its form for streams.
        streams: Computes live steps.
        files: Computes files.
        gate: Lets the former go before the latter.
        users: Requests and streams that hold it.
        idle_since: When the last of them let go, by the monotonic clock.
    """

    name: str
    model: Model
    engine: StreamEngine
    streams: StreamScheduler
    files: FileScheduler
    gate: Gate
    users: int = 0
    idle_since: float = field(default_factory=time.monotonic)

    def close(self) -> None:
        """Complete what is under way, then free the model."""
        self.streams.close()
        self.files.close()
        self.model.close()


class ModelPool:
    """Models by name. For any thread; loading blocks those who ask for that model alone."""

    def __init__(
        self,
        settings: Settings,
        *,
        opener: Callable[[str, Settings], Model] | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Begin without any model.

        Args:
            settings: `model` is the default one, `server.models` are the others.
            opener: Loads a model by name; None for `eclectus.load`.
            telemetry: Where numbers go; None for one of its own.
        """
        self.telemetry = telemetry or Telemetry()
        self.telemetry.watch_queue("stream", lambda: self._sum(lambda one: one.streams.waiting))
        self.telemetry.watch_queue("file", lambda: self._sum(lambda one: one.files.waiting_windows))
        self._settings = settings
        self._open = opener or _open
        memory_mb = settings.server.decoding_memory_mb
        self._decoding = (
            DecodingProcesses(memory_mb=memory_mb) if memory_mb and is_supported() else None
        )
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._loaded: dict[str, Served] = {}

    @property
    def default(self) -> str:
        """The name of the model of those who ask for none."""
        return self._settings.model or BUILTIN_NAME

    @property
    def names(self) -> tuple[str, ...]:
        """All models that clients may ask for, the default one first."""
        return tuple(dict.fromkeys((self.default, *self._settings.server.models)))

    def is_demonstration(self, name: str) -> bool:
        """Whether a model is the small built-in one, which shows how things work, and no more."""
        return any(one.name == name and one.model.config.builtin for one in self.loaded) or (
            name == BUILTIN_NAME
        )

    @property
    def loaded(self) -> tuple[Served, ...]:
        """The models that are in memory."""
        with self._lock:
            return tuple(self._loaded.values())

    def borrow(self, name: str) -> Served:
        """Return a model, loaded first if need be; each call needs one `give_back`.

        Raises:
            UnknownModelError: Clients may not ask for it.
            EclectusError: As for `eclectus.load`.
        """
        if name not in self.names:
            raise UnknownModelError(
                f"there is no model {name!r} here; there are: {', '.join(self.names)}", model=name
            )
        with self._lock:
            loading = self._loading.setdefault(name, threading.Lock())
        with loading:
            with self._lock:
                served = self._loaded.get(name)
                if served is not None:
                    served.users += 1
                    return served
            served = self._load(name)
            with self._lock:
                served.users += 1
                self._loaded[name] = served
            return served

    def give_back(self, served: Served) -> None:
        """Let go of a model."""
        with self._lock:
            served.users -= 1
            served.idle_since = time.monotonic()

    def unload_idle(self, now: float | None = None) -> list[str]:
        """Unload the models that nobody used for long enough, never the default one.

        Args:
            now: The monotonic clock; None to read it.

        Returns:
            The names of what was unloaded.
        """
        limit = self._settings.server.unload_idle_s
        if limit is None:
            return []
        now = time.monotonic() if now is None else now
        with self._lock:
            idle = [
                served
                for name, served in self._loaded.items()
                if name != self.default and not served.users and now - served.idle_since >= limit
            ]
            for served in idle:
                del self._loaded[served.name]
        for served in idle:
            LOG.info("unloading %s", served.name)
            served.close()
        return [served.name for served in idle]

    def close(self) -> None:
        """Free all models; safe to call twice."""
        with self._lock:
            all_of_them = [*self._loaded.values()]
            self._loaded.clear()
        for served in all_of_them:
            served.close()
        if self._decoding is not None:
            self._decoding.close()

    def _sum(self, of: Callable[[Served], int]) -> int:
        return sum(map(of, self.loaded))

    def _load(self, name: str) -> Served:
        model = self._open(name, self._settings)
        engine = model.stream_engine(self._settings.search)
        gate = Gate()
        numbers = self.telemetry

        def on_steps(waits: Sequence[float]) -> None:
            numbers.computed("stream", len(waits))
            for seconds in waits:
                numbers.waited("stream", seconds)

        threads = self._settings.backend.threads
        streams = StreamScheduler(engine, threads=threads, gate=gate, on_batch=on_steps)
        files = FileScheduler(
            model,
            batch=self._settings.batch,
            gate=gate,
            open_source=self._decoding.open if self._decoding else open_audio,
            on_wait=partial(numbers.waited, "file"),
            on_batch=partial(numbers.computed, "file"),
        )
        served = Served(name, model, engine, streams, files, gate)
        _warm_up(served)
        return served


def _warm_up(served: Served) -> None:
    """Let the engine prepare, so that the first client does not wait for it."""
    rate = served.model.config.time_base.sample_rate
    noise = np.random.default_rng(0).normal(0, 0.01, round(_WARM_S * rate)).astype(np.float32)
    served.model.transcribe(noise)
    if len(served.model.config.languages) > 1:
        # What tells languages is loaded with the first text, and no stream should wait for that.
        language_identifier(served.model.config)("The first text.", hint=None)


def _open(name: str, settings: Settings) -> Model:
    return load(
        None if name == BUILTIN_NAME else name,
        backend=settings.backend,
        hub=settings.hub,
        options=replace(settings.transcribe, language=None),
    )
