"""Numbers about a worker, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from eclectus.core.errors import OptionError

_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class WorkerNumbers:
    """Every metric of the batch worker; names begin with `eclectus_worker_`."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Begin at zero.

        Args:
            registry: Where they are kept; None for one of their own.
        """
        self.registry = registry or CollectorRegistry()
        kept = self.registry
        self.files = Counter(
            "eclectus_worker_files_total", "Files by how they ended.", ("outcome",), registry=kept
        )
        self.retries = Counter(
            "eclectus_worker_retries_total", "Files put back after an error.", registry=kept
        )
        self.audio_s = Counter(
            "eclectus_worker_audio_seconds_total", "Audio transcribed.", registry=kept
        )
        self.file_s = Histogram(
            "eclectus_worker_file_seconds",
            "From claiming a file to its stored results.",
            buckets=_SECONDS,
            registry=kept,
        )
        self.in_flight = Gauge("eclectus_worker_in_flight", "Files in work.", registry=kept)
        self.waiting = Gauge(
            "eclectus_worker_queue", "Files of all jobs that are not done.", registry=kept
        )

    def serve(self, port: int) -> None:
        """Answer Prometheus from a thread; any path answers, which will do as a health check.

        Raises:
            OptionError: The port is taken.
        """
        try:
            start_http_server(port, registry=self.registry)
        except OSError as error:
            raise OptionError(
                f"can't listen on port {port}: {error.strerror}; choose another --metrics-port"
            ) from error
