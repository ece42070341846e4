"""`eclectus worker`: transcribes the files of a queue."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from eclectus.apps.cli.extras import require_extra
from eclectus.apps.cli.flags import WORKER_FLAGS, with_settings
from eclectus.apps.cli.messages import say
from eclectus.config.settings import LoadedSettings

if TYPE_CHECKING:
    from types import FrameType

    from eclectus.apps.worker.worker import Worker

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

UntilEmpty = Annotated[bool, typer.Option("--until-empty", help="End when no file is left.")]
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


_WORKER_HELP = """\
Transcribe the files of a queue, as one of many.

Start it on as many machines as there are; `eclectus jobs submit` queues files. SIGTERM or
Ctrl-C lets the files in work end first; one that this worker dies with goes to another.
"""


@app.command("worker", help=_WORKER_HELP)
@with_settings(WORKER_FLAGS)
def worker(*, loaded: LoadedSettings, until_empty: UntilEmpty = False) -> None:
    """Run `eclectus worker`."""
    require_extra("worker")
    from eclectus.apps.cli.loading import BUILTIN_HINT
    from eclectus.apps.worker.numbers import WorkerNumbers
    from eclectus.apps.worker.redis_queue import RedisQueue
    from eclectus.apps.worker.storage import Storage
    from eclectus.apps.worker.worker import Worker
    from eclectus.service.decode_box import hide
    from eclectus.service.logs import log_as_json
    from eclectus.service.model_pool import ModelPool

    settings = loaded.settings
    log_as_json(settings.logging.level)
    hide()
    with closing(RedisQueue(settings.queue)) as queue, closing(ModelPool(settings)) as pool:
        queue.waiting()  # one that can't be reached is told before the model is loaded
        storage = Storage(settings.storage)
        numbers = WorkerNumbers(pool.telemetry.registry)
        if settings.queue.metrics_port is not None:
            numbers.serve(settings.queue.metrics_port)
        served = pool.borrow(pool.default)
        one = Worker(queue, storage, served.files, settings, numbers=numbers)
        with _stopped_by_signals(one):
            say(f"eclectus worker {queue.name} with {served.name} (Ctrl-C ends it)", err=True)
            if served.model.config.builtin:
                say(BUILTIN_HINT, err=True)
            one.run(until_empty=until_empty)


@contextmanager
def _stopped_by_signals(worker: Worker) -> Iterator[None]:
    """End in good order at the first signal, and at once at the second."""

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's
        worker.stop()
        for one in _SIGNALS:
            signal.signal(one, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
