"""Numbers about a server, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    generate_latest,
)

from eclectus._version import __version__

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_SHORT_SECONDS = (0.001, 0.0025, 0.005, *_SECONDS)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
_RATIOS = (1, 5, 10, 20, 50, 100, 200, 500, 1000)


class Telemetry:
    """Every metric of the service; names begin with `eclectus_`."""

    def __init__(self) -> None:
        """Begin at zero, in a registry of its own."""
        self.registry = CollectorRegistry()
        self._count_requests()
        self._count_work()
        self._count_waits()
        self._describe_process()

    def _count_requests(self) -> None:
        all_ = self.registry
        self.requests = Counter(
            "eclectus_requests_total",
            "Requests by route and status.",
            ("route", "status"),
            registry=all_,
        )
        self.request_s = Histogram(
            "eclectus_request_seconds",
            "Time of a request.",
            ("route",),
            buckets=_SECONDS,
            registry=all_,
        )
        self.errors = Counter("eclectus_errors_total", "Errors by code.", ("code",), registry=all_)

    def _count_work(self) -> None:
        all_ = self.registry
        self.audio_s = Counter(
            "eclectus_audio_seconds_total", "Audio recognised.", ("kind", "model"), registry=all_
        )
        self.rtfx = Histogram(
            "eclectus_file_rtfx", "Audio seconds by wall seconds.", buckets=_RATIOS, registry=all_
        )
        self.files = Gauge("eclectus_files", "Files waiting or in work.", registry=all_)
        self.sessions = Gauge("eclectus_sessions", "Live streams.", ("protocol",), registry=all_)
        self.batch = Histogram(
            "eclectus_batch_size",
            "Steps of streams, or windows of files, computed at once.",
            ("kind",),
            buckets=_SIZES,
            registry=all_,
        )

    def _count_waits(self) -> None:
        all_ = self.registry
        self.queue = Gauge(
            "eclectus_queue",
            "Steps of streams, or windows of files, that wait for the model.",
            ("kind",),
            registry=all_,
        )
        self.wait_s = Histogram(
            "eclectus_wait_seconds",
            "Until the model takes up a step of a stream, or the first window of a file.",
            ("kind",),
            buckets=_SHORT_SECONDS,
            registry=all_,
        )
        self.first_word_s = Histogram(
            "eclectus_first_word_seconds",
            "From the start of an utterance's speech to its first word shown.",
            buckets=_SECONDS,
            registry=all_,
        )
        self.final_s = Histogram(
            "eclectus_final_seconds",
            "From the arrival of the audio that ended an utterance to its final words.",
            buckets=_SECONDS,
            registry=all_,
        )
        self.lag_s = Histogram(
            "eclectus_loop_lag_seconds",
            "How late the event loop is; what blocks it blocks every client.",
            buckets=_SHORT_SECONDS,
            registry=all_,
        )

    def _describe_process(self) -> None:
        all_ = self.registry
        self.models = Gauge("eclectus_models_loaded", "Models in memory.", registry=all_)
        self.ready = Gauge("eclectus_ready", "1 while clients are welcome.", registry=all_)
        Info("eclectus", "The program.", registry=all_).info({"version": __version__})
        ProcessCollector(registry=all_)

    def watch_queue(self, kind: str, waiting: Callable[[], int]) -> None:
        """Read the length of a queue whenever the numbers are asked for."""
        self.queue.labels(kind).set_function(waiting)

    def computed(self, kind: str, size: int) -> None:
        """Count a batch; `kind` is `file` or `stream`."""
        self.batch.labels(kind).observe(size)

    def waited(self, kind: str, seconds: float) -> None:
        """Note how long work waited for the model; `kind` is `file` or `stream`."""
        self.wait_s.labels(kind).observe(seconds)

    @contextmanager
    def session(self, protocol: str) -> Iterator[None]:
        """Count a live stream while it lasts."""
        gauge = self.sessions.labels(protocol)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    @contextmanager
    def file(self) -> Iterator[None]:
        """Count a file while it is in work."""
        self.files.inc()
        try:
            yield
        finally:
            self.files.dec()

    def recognised(self, kind: str, model: str, audio_s: float) -> None:
        """Count audio; `kind` is `file` or `stream`."""
        self.audio_s.labels(kind, model).inc(audio_s)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Time so far."""
        return time.perf_counter() - self._start
