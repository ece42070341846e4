"""The flags of `eclectus worker` and `eclectus jobs`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated

import typer

from eclectus.apps.cli.flags import FLAGS, Flag
from eclectus.core.errors import BackendUnavailableError

QueueUrl = Annotated[
    str | None, typer.Option("--queue", metavar="URL", help="The Redis server: redis://host:6379.")
]
StoreUrl = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Of an S3-compatible server that is not Amazon's."),
]
InFlight = Annotated[
    str | None, typer.Option("--in-flight", metavar="N", help="Files that are in work at once.")
]
MetricsPort = Annotated[
    str | None, typer.Option("--metrics-port", metavar="N", help="Port for Prometheus.")
]
_NEEDED = ("redis", "obstore", "prometheus_client")
_COMPUTING = ("model", "language", "device", "threads", "fp32", "fp16", "bf16", "int8")
QUEUE_FLAGS: Mapping[str, Flag] = {
    "queue": Flag(QueueUrl, "queue.url"),
    "store": Flag(StoreUrl, "storage.endpoint_url"),
}
WORKER_FLAGS: Mapping[str, Flag] = {
    **QUEUE_FLAGS,
    **{name: FLAGS[name] for name in _COMPUTING},
    "batch_size": FLAGS["batch_size"],
    "in_flight": Flag(InFlight, "queue.in_flight"),
    "metrics_port": Flag(MetricsPort, "queue.metrics_port"),
}
SUBMIT_FLAGS: Mapping[str, Flag] = {
    **QUEUE_FLAGS,
    **{name: FLAGS[name] for name in ("language", "output_format", "timestamps", "overwrite")},
}


def require_extra() -> None:
    """Check that what workers need is installed.

    Raises:
        BackendUnavailableError: It is not.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise BackendUnavailableError(
            f"queues need {', '.join(missing)}: pip install 'eclectus[worker]'", extra="worker"
        )
