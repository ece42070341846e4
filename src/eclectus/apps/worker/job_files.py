"""What a job is made of: its files and where their results go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePosixPath

from eclectus.apps.worker.queue import Item, Job
from eclectus.apps.worker.storage import Location, Storage, parse
from eclectus.core.choices import OverwritePolicy
from eclectus.core.errors import OptionError
from eclectus.core.options import OutputOptions
from eclectus.output.registry import expand_formats, format_named
from eclectus.signal.media_formats import MEDIA_SUFFIXES

_ID_LENGTH = 12


def make_job(
    sources: Sequence[str], target: str, output: OutputOptions, language: str | None
) -> Job:
    """Describe a job; the same description always has the same id.

    Args:
        sources: Addresses of files, or of folders with all below them.
        target: Address of the folder of the results.
        output: Formats, times, and what happens to results that exist.
        language: A hint.

    Raises:
        OptionError: An address or a format is impossible.
    """
    if output.overwrite is OverwritePolicy.FAIL:
        raise OptionError("a job can't fail where results exist; --overwrite is overwrite or skip")
    job = Job(
        id="",
        sources=tuple(_whole(source) for source in sources),
        target=_whole(target).rstrip("/") or "/",
        formats=expand_formats(output.formats),
        language=language,
        timestamps=output.timestamps,
        overwrite=output.overwrite,
    )
    told = asdict(job)
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
    return Job(**{**told, "id": digest[:_ID_LENGTH]})


def _whole(address: str) -> str:
    """Write an address so that it means the same to all workers."""
    return str(parse(address))


def find_items(job: Job, storage: Storage) -> Iterator[Item]:
    """List the files of a job: those of a folder by their suffix, single ones whatever they are.

    Raises:
        OptionError: Two files would have the same results, or there is no file.
        StorageError: A source can't be listed.
    """
    target = parse(job.target)
    taken: dict[str, str] = {}
    for source in job.sources:
        for place, name in _found(source, storage):
            result = str(target.below(str(PurePosixPath(name).with_suffix(""))))
            if taken.setdefault(result, str(place)) != str(place):
                raise OptionError(
                    f"{taken[result]} and {place} would both be written to {result}.*; put them "
                    "into jobs of their own, with other targets",
                    target=result,
                )
            yield Item(job.id, str(place), result)
    if not taken:
        raise OptionError(f"there is no audio or video below {', '.join(job.sources)}")


def _found(source: str, storage: Storage) -> Iterator[tuple[Location, str]]:
    """Yield files with their names below the source."""
    folder = parse(source).path.rstrip("/")
    start = len(folder) + 1 if folder else 0
    places = list(storage.list(source))
    if [str(place) for place in places] == [source]:
        yield places[0], PurePosixPath(places[0].path).name
        return
    for place in places:
        name = PurePosixPath(place.path[start:])
        hidden = any(part.startswith(".") for part in name.parts)
        if name.suffix.lower() in MEDIA_SUFFIXES and not hidden:
            yield place, str(name)


def results_of(job: Job, item: Item) -> Iterable[tuple[str, Location]]:
    """Return each format with the place of its result.

    Raises:
        OptionError: There is no such format here, only where the job was ordered.
    """
    place = parse(item.target)
    files = map(format_named, job.formats)
    return [(file.name, Location(place.root, f"{place.path}.{file.suffix}")) for file in files]
