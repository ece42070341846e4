"""What batch workers may be told, beside what the library knows."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """Where `eclectus jobs` and `eclectus worker` keep files that wait.

    Attributes:
        url: Address of the Redis server, 6.2 or newer; may hold a password.
        prefix: Begins the names of all keys, so that several queues may share a server.
        in_flight: Files that a worker has at once: while some are fetched, others are computed.
        lease_s: A worker that is not heard of for so long loses its files to others.
        max_attempts: A file that failed so often, or died with so many workers, fails for good.
        retry_s: Pause before the second attempt; it doubles with each further one.
        grace_s: Time for the files in work to end when a worker is told to; the others go back.
        metrics_port: Port of the worker's numbers for Prometheus; None for none.
    """

    url: str = field(default="redis://127.0.0.1:6379/0", repr=False)
    prefix: str = "eclectus"
    in_flight: int = 16
    lease_s: float = 30.0
    max_attempts: int = 5
    retry_s: float = 2.0
    grace_s: float = 60.0
    metrics_port: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageOptions:
    """How object stores are reached; keys come from the variables of their vendors (`AWS_…`).

    Attributes:
        endpoint_url: Address of an S3-compatible server; None for the vendor's own.
        region: Of S3; None for that of the environment.
    """

    endpoint_url: str | None = None
    region: str | None = None
