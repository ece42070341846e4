"""`eclectus jobs`: queue files for the workers, and see what becomes of them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eclectus.apps.cli.exits import ExitCode
from eclectus.apps.cli.extras import require_extra
from eclectus.apps.cli.flags import QUEUE_FLAGS, SUBMIT_FLAGS, with_settings
from eclectus.apps.cli.messages import say, say_value
from eclectus.config.settings import LoadedSettings
from eclectus.core.errors import OptionError
from eclectus.output.clean import printable

if TYPE_CHECKING:
    from eclectus.apps.worker.queue import JobStatus
    from eclectus.apps.worker.redis_queue import RedisQueue

app = typer.Typer(
    help="Queue files of object stores, and follow them.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="s3://bucket/folder/, s3://bucket/file.wav, or paths.",
    ),
]
Target = Annotated[
    str, typer.Option("--to", metavar="ADDRESS", help="Folder of the results, s3://… or a path.")
]
Job = Annotated[str, typer.Argument(metavar="JOB", help="As `submit` printed it.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show the progress until the job has ended.")]
_POLL_S = 0.5
_SHOWN = 20


@contextmanager
def _queue(loaded: LoadedSettings) -> Iterator[RedisQueue]:
    require_extra("worker")
    from eclectus.apps.worker.redis_queue import RedisQueue

    with closing(RedisQueue(loaded.settings.queue)) as queue:
        yield queue


_SUBMIT_HELP = """\
Queue files, and print the job's id.

The same command again adds the files that are new since. Results get the names of the files
below the source, with the formats' suffixes.
"""


@app.command(help=_SUBMIT_HELP)
@with_settings(SUBMIT_FLAGS)
def submit(*, loaded: LoadedSettings, sources: Sources, to: Target, wait: Wait = False) -> None:
    """Run `eclectus jobs submit`."""
    with _queue(loaded) as queue:
        from eclectus.apps.worker.job_files import find_items, make_job
        from eclectus.apps.worker.storage import Storage

        settings = loaded.settings
        job = make_job(sources, to, settings.output, settings.language)
        new = queue.submit(job, list(find_items(job, Storage(settings.storage))))
        say(f"{new} new file{'' if new == 1 else 's'}", err=True)
        say_value(job.id)
        if wait:
            _follow(queue, job.id)
            _end_with(_known(queue, job.id))


@app.command("list", help="List all jobs, the newest first.")
@with_settings(QUEUE_FLAGS)
def list_jobs(*, loaded: LoadedSettings, as_json: Json = False) -> None:
    """Run `eclectus jobs list`."""
    with _queue(loaded) as queue:
        jobs = queue.jobs()
    if as_json:
        say(json.dumps([_row(one) for one in jobs], indent=2))
        return
    _print_table(jobs)


_SHOW_HELP = """\
Show how far a job has come, and why files failed.

Ends with 3 if some files of a job that is over failed, with 4 if all did.
"""


@app.command(help=_SHOW_HELP)
@with_settings(QUEUE_FLAGS)
def show(*, loaded: LoadedSettings, job: Job, as_json: Json = False, wait: Wait = False) -> None:
    """Run `eclectus jobs show`."""
    with _queue(loaded) as queue:
        if wait:
            _follow(queue, job)
        status, problems = _known(queue, job), queue.problems(job)
    if as_json:
        say(json.dumps(_row(status) | {"problems": problems}, indent=2))
    else:
        _print_table([status])
        for source, problem in list(problems.items())[:_SHOWN]:
            say(f"{source}: {problem}")
        if len(problems) > _SHOWN:
            say(f"… and {len(problems) - _SHOWN} more; --json shows all")
    _end_with(status)


def _end_with(status: JobStatus) -> None:
    """Let the shell see files that failed, once the job is over."""
    if status.state == "failed":
        raise typer.Exit(ExitCode.SOME_FAILED if status.done else ExitCode.ALL_FAILED)


_CANCEL_HELP = """\
Let the files of a job be that nobody has begun; submitting it again goes on.
"""


@app.command(help=_CANCEL_HELP)
@with_settings(QUEUE_FLAGS)
def cancel(*, loaded: LoadedSettings, job: Job) -> None:
    """Run `eclectus jobs cancel`."""
    with _queue(loaded) as queue:
        if not queue.cancel(job):
            raise _unknown(job)


_REMOVE_HELP = """\
Forget a job; its results stay where they are, and files that nobody has begun are let be.
"""


@app.command(help=_REMOVE_HELP)
@with_settings(QUEUE_FLAGS)
def remove(*, loaded: LoadedSettings, job: Job) -> None:
    """Run `eclectus jobs remove`."""
    with _queue(loaded) as queue:
        if not queue.remove(job):
            raise _unknown(job)


@app.command(help="Queue the failed files of a job once more.")
@with_settings(QUEUE_FLAGS)
def retry(*, loaded: LoadedSettings, job: Job) -> None:
    """Run `eclectus jobs retry`."""
    with _queue(loaded) as queue:
        _known(queue, job)
        say(f"{queue.retry_failed(job)} files queued again", err=True)


def _known(queue: RedisQueue, job: str) -> JobStatus:
    status = queue.status(job)
    if status is None:
        raise _unknown(job)
    return status


def _unknown(job: str) -> OptionError:
    return OptionError(f"there is no job {job!r} in this queue; `eclectus jobs list` has them all")


def _follow(queue: RedisQueue, job: str) -> None:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, *times, console=Console(stderr=True)) as progress:
        task = progress.add_task(job)
        while True:
            status = _known(queue, job)
            progress.update(task, total=status.total, completed=status.total - status.left)
            if status.state != "running":
                return
            time.sleep(_POLL_S)


def _row(status: JobStatus) -> dict[str, Any]:
    return {"state": status.state, "left": status.left} | asdict(status)


def _print_table(jobs: Sequence[JobStatus]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("job", "state", "done", "failed", "left", "audio", "submitted", "to"):
        table.add_column(name, overflow="fold")
    for one in jobs:
        hours = f"{one.audio_s / 3600:.2f} h"
        when = datetime.fromtimestamp(one.submitted).strftime("%Y-%m-%d %H:%M")
        counts = (str(one.done), str(one.failed), str(one.left))
        cells = (one.job.id, one.state, *counts, hours, when, one.job.target)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    Console().print(table)
