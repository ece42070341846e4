"""What batch workers may be told, beside what the library knows."""

from __future__ import annotations

from dataclasses import dataclass

from eclectus.core.option_spec import Options, option


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions(Options):
    """Where `eclectus jobs` and `eclectus worker` keep files that wait."""

    url: str = option(
        "redis://127.0.0.1:6379/0",
        "Address of the Redis server, 6.2 or newer; may hold a password.",
        secret=True,
        flag="--queue",
        metavar="URL",
    )
    prefix: str = option(
        "eclectus", "Begins the names of all keys, so that several queues may share a server."
    )
    in_flight: int = option(
        16,
        "Files that a worker has at once: while some are fetched, others are computed.",
        least=1,
        most=4096,
        flag="--in-flight",
    )
    lease_s: float = option(
        30.0, "A worker that is not heard of for so long loses its files to others.", unit="s"
    )
    max_attempts: int = option(
        5,
        "A file that failed so often, or died with so many workers, fails for good.",
        least=1,
    )
    retry_s: float = option(
        2.0,
        "Pause before the second attempt; it doubles with each further one.",
        least=0,
        unit="s",
    )
    grace_s: float = option(
        60.0,
        "Time for the files in work to end when a worker is stopped; the others go back.",
        least=0,
        unit="s",
    )
    metrics_port: int | None = option(
        None,
        "Port of the worker's numbers for Prometheus; none for none.",
        least=1,
        most=65_535,
        flag="--metrics-port",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions(Options):
    """How object stores are reached; keys come from the variables of their vendors (`AWS_…`)."""

    endpoint_url: str | None = option(
        None,
        "Address of an S3-compatible server; none for Amazon's own.",
        flag="--store",
        metavar="URL",
    )
    region: str | None = option(None, "Region of S3; none for that of the environment.")
